"""What a backfill would take: names checked, the ledger consulted, requests, time and rows counted. Asks no venue."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import psycopg

from data_agent.connections.limits import SHARES, Priority
from data_agent.core.errors import ConfigurationError
from data_agent.core.time import Span, Timeframe
from data_agent.coverage.planner import bridge, missing, pages
from data_agent.storage.postgres import ledger
from data_agent.storage.postgres.series import Series
from data_agent.venues.facts import ProductFacts
from data_agent.venues.registry import product_facts
from orchestration.collector import SERIES_AT_ONCE
from orchestration.wanted import closed_part

_PRODUCT: Final = "spot"
# One answer of a venue over the internet, a page of candles with it; a simulator is faster.
_ANSWER_SECONDS: Final = 0.25
_SYMBOLS: Final = """
    SELECT versions.symbol, instruments.market_id, versions.listed_at, series.timeframe, series.series_id
    FROM ref.instruments
    INNER JOIN ref.instrument_versions AS versions USING (instrument_id)
    LEFT JOIN ref.series
        ON series.instrument_id = instruments.instrument_id AND series.dataset = 'candles'
        AND series.price_type = 'trade' AND series.origin = 'venue'
    WHERE instruments.venue = %s AND instruments.product = %s AND versions.valid_to IS NULL
"""


@dataclass(frozen=True)
class Wanted:
    """What was typed, unchecked."""

    exchange: str | None
    symbols: Sequence[str]
    timeframes: Sequence[str]
    start: str | None
    end: str | None
    is_forced: bool = False


@dataclass(frozen=True)
class Backfill:
    """What was typed, checked: every name is known and the range lies in the past."""

    facts: ProductFacts
    symbols: tuple[str, ...]
    timeframes: tuple[Timeframe, ...]
    span: Span
    is_forced: bool


class SeriesPlan(NamedTuple):
    """What one series takes.

    Attributes:
        count_wanted: candles of the range that can exist.
        count_missing: of these, the ones to ask for.
        count_requests: requests that takes.
    """

    symbol: str
    timeframe: Timeframe
    count_wanted: int
    count_missing: int
    count_requests: int


class Plan(NamedTuple):
    """What a backfill takes as a whole."""

    series: tuple[SeriesPlan, ...]
    requests_per_second: float
    seconds: float

    @property
    def count_wanted(self) -> int:
        """Candles the range can have."""
        return sum(each.count_wanted for each in self.series)

    @property
    def count_missing(self) -> int:
        """Candles to ask for: the rows it will write if the venue has them all."""
        return sum(each.count_missing for each in self.series)

    @property
    def count_requests(self) -> int:
        """Requests to the venue."""
        return sum(each.count_requests for each in self.series)


def check(wanted: Wanted, now: datetime) -> Backfill:
    """Check everything that can be checked without the store; symbols are checked by `make_plan`.

    Raises:
        ConfigurationError: what is wrong, by the name of its option, with near matches.
    """
    for option, value in (
        ("--exchange", wanted.exchange), ("--symbol", wanted.symbols), ("--timeframe", wanted.timeframes),
        ("--start", wanted.start),
    ):  # fmt: skip
        if not value:
            raise ConfigurationError(f"{option} is missing: what shall be fetched?")
    facts = product_facts(str(wanted.exchange), _PRODUCT)
    start = _moment("--start", str(wanted.start))
    end = _moment("--end", wanted.end) if wanted.end else now
    if start >= min(end, now):
        raise ConfigurationError(f"--start {start.isoformat()} is not before --end {min(end, now).isoformat()}")
    timeframes = tuple(_timeframe(name, facts) for name in dict.fromkeys(wanted.timeframes))
    return Backfill(
        facts, tuple(dict.fromkeys(wanted.symbols)), timeframes, Span(start, min(end, now)), wanted.is_forced
    )


def _moment(option: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option} {text!r} is no time: write 2017-08-17 or 2017-08-17T04:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _timeframe(name: str, facts: ProductFacts) -> Timeframe:
    known = [timeframe.value for timeframe in facts.candles.intervals]
    if name not in known:
        raise ConfigurationError(f"--timeframe {name!r} is unknown to {facts.venue}: choose of {', '.join(known)}")
    return Timeframe(name)


async def make_plan(database_url: str, backfill: Backfill, *, ceiling: float, now: datetime) -> Plan:
    """Count what the backfill takes, less what the ledger has.

    Args:
        database_url: our database.
        backfill: from `check`.
        ceiling: the share of a venue's limits that we use.
        now: the machine's clock.

    Raises:
        ConfigurationError: the venue lists no such symbol.
        psycopg.Error: the database does not answer.
    """
    connection = await psycopg.AsyncConnection.connect(database_url, connect_timeout=10)
    async with connection:
        found = await connection.execute(_SYMBOLS, (backfill.facts.venue, backfill.facts.product))
        listed = _by_symbol(await found.fetchall())
        check_symbols(backfill, listed)
        series = [
            await _plan_series(connection, backfill, symbol, timeframe, listed=listed[symbol], now=now)
            for symbol in backfill.symbols
            for timeframe in backfill.timeframes
        ]
    rate = requests_per_second(backfill.facts, ceiling)
    count = sum(each.count_requests for each in series)
    at_once = min(SERIES_AT_ONCE, len(series))
    return Plan(tuple(series), rate, max(count / rate, count * _ANSWER_SECONDS / at_once))


class Listed(NamedTuple):
    """One symbol as the store knows it."""

    market_id: str
    listed_at: datetime | None
    series_ids: Mapping[str, int]


def _by_symbol(rows: Iterable[Sequence[Any]]) -> dict[str, Listed]:
    listed: dict[str, Listed] = {}
    for symbol, market_id, listed_at, timeframe, series_id in rows:
        known = listed.get(symbol, Listed(market_id, listed_at, {}))
        series_ids = {**known.series_ids, timeframe: series_id} if series_id is not None else known.series_ids
        listed[symbol] = known._replace(series_ids=series_ids)
    return listed


def check_symbols(backfill: Backfill, listed: Mapping[str, Listed]) -> None:
    """Every symbol must be one the venue lists.

    Raises:
        ConfigurationError: naming the unknown ones with near matches.
    """
    venue = backfill.facts.venue
    if not listed:
        raise ConfigurationError(
            f"--exchange {venue}: its instruments are not known yet; they are read in the first minute after "
            "data-agent up, if the collection file names the exchange"
        )
    for symbol in backfill.symbols:
        if symbol not in listed:
            near = difflib.get_close_matches(symbol.upper(), listed, n=3, cutoff=0.4)
            hint = f": did you mean {', '.join(near)}?" if near else ""
            raise ConfigurationError(f"--symbol {symbol!r} is not listed by {venue}{hint}")


async def _plan_series(
    connection: psycopg.AsyncConnection[Any],
    backfill: Backfill,
    symbol: str,
    timeframe: Timeframe,
    *,
    listed: Listed,
    now: datetime,
) -> SeriesPlan:
    facts = backfill.facts.candles
    series_id = listed.series_ids.get(timeframe.value)
    series = Series(
        series_id or 0, backfill.facts.venue, backfill.facts.product, listed.market_id, symbol, timeframe, "venue",
        listed.listed_at,
    )  # fmt: skip
    wanted = closed_part(backfill.span, series, facts, now)
    spans = [wanted]
    if series_id is not None and not backfill.is_forced:
        spans = missing(await ledger.read(connection, series_id, wanted), wanted, now)
    stretches = bridge(spans, timeframe, facts.page_size)
    asked = [page for span in stretches for page in pages(span, timeframe, facts.page_size)]
    return SeriesPlan(
        symbol, timeframe, wanted.count(timeframe), sum(span.count(timeframe) for span in spans), len(asked)
    )


def requests_per_second(facts: ProductFacts, ceiling: float) -> float:
    """How many requests for candles the venue's limits leave a backfill: those of its slowest endpoint for them."""
    budget = facts.connection.budget
    endpoints = [endpoint for endpoint in budget.costs if "candles" in endpoint or "klines" in endpoint]
    rates = [
        limit.capacity * ceiling * SHARES[Priority.BACKFILL] / cost / limit.window_seconds
        for endpoint in endpoints
        for limit, cost in budget.debits(endpoint)
    ]
    return min(rates, default=math.inf)
