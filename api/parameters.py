"""Parameters that several routes share."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from data_agent.core.time import Timeframe

LIMIT_DEFAULT: Final = 1_000
LIMIT_MAXIMUM: Final = 5_000


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable text")
    return text


Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
Exchange = Annotated[Name, Field(description="the exchange, in lower case", examples=["binance"])]
Symbol = Annotated[Name, Field(description="CCXT's unified symbol", examples=["BTC/USDT"])]
CandleLength = Annotated[Timeframe, Field(description="the length of a candle", examples=["1m"])]
Origin = Annotated[
    Literal["venue", "built"],
    Field(description="`venue`: the exchange's own candles; `built`: made from its one-minute candles"),
]
Cursor = Annotated[str, Field(min_length=1, max_length=512, description="`next_cursor` of the page before")]


class Parameters(BaseModel):
    """A route's query parameters; what is not among them is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
