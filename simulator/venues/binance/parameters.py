"""Reading the parameters of a Binance request, with Binance's own complaints."""

import re

from simulator.market.model import Instrument
from simulator.times import HOUR_MS, MINUTE_MS
from simulator.venues.base import Query
from simulator.venues.binance import errors, facts

SYMBOL = "^[A-Z0-9-_.]{1,20}$"
WHOLE = "^[0-9]{1,20}$"
# rest-api, "Kline/Candlestick data": hours, or hours and minutes, from -12:00 to +14:00.
TIME_ZONE = re.compile(r"([+-]?)(\d{1,2})(?::(\d{2}))?")
# "Timestamp parameters can be passed in milliseconds or microseconds": no millisecond time is as large as this.
FIRST_MICROSECONDS = 10**14


class Parameters:
    """The parameters of one request; whoever reads them all calls ``done``."""

    def __init__(self, query: Query, known: tuple[str, ...]) -> None:
        self._values = dict(query)
        if len(self._values) != len(query):
            raise errors.duplicated()
        read = sum(name in known for name in self._values)
        if read != len(query):
            raise errors.unread(read, len(query))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        """A mandatory parameter."""
        value = self._values.get(name, "")
        if not value:
            raise errors.missing(name)
        return value

    def symbol(self, symbols: dict[str, str]) -> str:
        """The unified symbol of a listed market."""
        value = self.text("symbol")
        if not re.match(SYMBOL, value):
            raise errors.illegal("symbol", SYMBOL)
        if value not in symbols:
            raise errors.invalid_symbol()
        return symbols[value]

    def whole(self, name: str) -> int | None:
        """A whole number, or None when it was not sent."""
        if name not in self._values:
            return None
        if not re.match(WHOLE, self._values[name]):
            raise errors.illegal(name, WHOLE)
        return int(self._values[name])

    def instant(self, name: str) -> int | None:
        """Milliseconds, or None when it was not sent."""
        value = self.whole(name)
        return value // 1000 if value is not None and value >= FIRST_MICROSECONDS else value

    def limit(self) -> int:
        """How many rows; what is above the maximum is cut to it."""
        value = self.whole("limit")
        if value == 0:
            raise errors.invalid_value("limit")
        return min(value or facts.DEFAULT_LIMIT, facts.MAXIMUM_LIMIT)

    def zone_ms(self) -> int:
        """The time zone in which intervals are cut, as an offset east of UTC."""
        match = TIME_ZONE.fullmatch(self._values.get("timeZone", "0"))
        if match is None:
            raise errors.invalid_value("timeZone")
        sign, hours, minutes = match.groups()
        offset = (int(hours) * HOUR_MS + int(minutes or 0) * MINUTE_MS) * (-1 if sign == "-" else 1)
        if not -12 * HOUR_MS <= offset <= 14 * HOUR_MS:
            raise errors.invalid_value("timeZone")
        return offset


def market_id(instrument: Instrument) -> str:
    """``BTCUSDT``."""
    return f"{instrument.base}{instrument.quote}"
