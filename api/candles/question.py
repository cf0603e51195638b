"""Pure: a query with everything resolved that its caller may leave out."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from api import cursors
from api.candles.schemas import CandlesQuery
from api.problems import BadParameter, VersionsNotKept
from api.series.repository import Snapshot
from data_agent.core.time import EPOCH, MICROSECOND, Span

_SAME_ON_ALL_PAGES: Final = ("exchange", "symbol", "timeframe", "origin", "start", "end", "as_of")


class Position(Struct, frozen=True, array_like=True):
    """What a cursor holds: where its page begins, and the state that all pages of an answer share.

    Attributes:
        start, end: the whole asked range.
        after: the page holds candles that open later than this.
        as_of, clock: the state the first page was answered from, and what time it was.
    """

    start: datetime
    end: datetime
    after: datetime
    as_of: datetime
    clock: datetime


class Question(Struct, frozen=True):
    """What exactly is to be answered.

    Attributes:
        asked: the whole asked range of open times.
        page: the part of it from the page's first candle on.
        clock: what is closed at this moment is expected.
        as_of: the state of the store that is shown; of the present state, the newest change in it.
        is_repeat: whether that is an earlier state, to be restored from the history of versions and verdicts.
    """

    asked: Span
    page: Span
    clock: datetime
    as_of: datetime
    is_repeat: bool

    def cursor(self, query: CandlesQuery, after: datetime) -> str:
        """The cursor of the page that begins after the candle that opens at `after`."""
        return cursors.encode(_fixed(query), Position(*self.asked, after, self.as_of, self.clock))


def resolve(query: CandlesQuery, snapshot: Snapshot) -> Question:
    """Turn a query into a question.

    Raises:
        Problem: the range is empty, `as_of` lies in the future or cannot be kept, the cursor is another query's.
    """
    if query.origin == "built" and query.as_of is not None:
        raise VersionsNotKept(
            "as_of: earlier versions of built candles are not kept. Ask for the exchange's one-minute candles "
            "(timeframe=1m, origin=venue) as of that moment; they were made from these.",
            field="as_of",
        )
    if query.cursor is not None:
        return _go_on(query, query.cursor)
    if query.as_of is not None and query.as_of > snapshot.clock:
        raise BadParameter("as_of: lies in the future; what will be known then is not known yet.", field="as_of")
    clock = query.as_of or snapshot.clock
    asked = _range(query, clock)
    as_of = query.as_of or snapshot.newest_change or snapshot.clock
    return Question(asked, asked, clock, as_of, is_repeat=query.as_of is not None)


def _go_on(query: CandlesQuery, cursor: str) -> Question:
    position = cursors.decode(_fixed(query), cursor, Position)
    rest = Span(position.after + MICROSECOND, position.end)
    # Built candles have no earlier state to go on from: their further pages show the present one.
    return Question(
        Span(position.start, position.end), rest, position.clock, position.as_of, is_repeat=query.origin != "built"
    )


def _range(query: CandlesQuery, clock: datetime) -> Span:
    timeframe = query.timeframe
    end = query.end or timeframe.floor(clock)
    if query.start is None:
        last_closed = min(timeframe.ceil(end), timeframe.floor(clock))
        start = max(EPOCH, last_closed - query.limit * timeframe.duration)
        return Span(min(start, end), end)
    if query.start >= end:
        field = "start" if query.end is None else "end"
        raise BadParameter(
            "start: lies in the future." if query.end is None else "end: must be after start.", field=field
        )
    return Span(query.start, end)


def _fixed(query: CandlesQuery) -> dict[str, object]:
    return {name: getattr(query, name) for name in _SAME_ON_ALL_PAGES}
