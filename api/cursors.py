"""Keyset cursors: opaque to the caller, bound to the query they came from."""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final, TypeVar

import msgspec

from api.problems import BadCursor

_DIGEST_BYTES: Final = 8
_Position = TypeVar("_Position")


def encode(query: Mapping[str, object], position: object) -> str:
    """A cursor that continues `query` (its parameters, without those that may change between pages) at `position`."""
    body = msgspec.msgpack.encode(position)
    return urlsafe_b64encode(_digest(query, body) + body).decode().rstrip("=")


def decode(query: Mapping[str, object], cursor: str, position: type[_Position]) -> _Position:
    """The position a cursor stands for.

    Raises:
        BadCursor: it was not made by us, was changed, or was made for another query.
    """
    try:
        raw = b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        digest, body = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
        found = msgspec.msgpack.decode(body, type=position)
    except (binascii.Error, ValueError, OverflowError, msgspec.DecodeError):
        raise BadCursor("cursor: not a cursor of this API; pass next_cursor unchanged.", field="cursor") from None
    if digest != _digest(query, body):
        raise BadCursor(
            "cursor: it belongs to another query; repeat the parameters it came from, or leave it out.", field="cursor"
        )
    return found


def _digest(query: Mapping[str, object], body: bytes) -> bytes:
    canonical = "\n".join(f"{name}={value}" for name, value in sorted(query.items()) if value is not None)
    return blake2b(canonical.encode() + b"\n" + body, digest_size=_DIGEST_BYTES).digest()
