"""Numbers at the door: what an exchange sent leaves as text, with exactly the digits that were sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema

Digits = Annotated[
    Decimal,
    PlainSerializer(lambda value: format(value, "f"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["63000.10"]}),
]
"""A number exactly as the exchange sent it: trailing zeros included, never in scientific notation, as text."""
