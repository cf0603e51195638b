"""Larger candles from smaller ones."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from simulator.market.model import Bar, Number
from simulator.timeframes import Timeframe


def merge(open_time: int, bars: Sequence[Bar[Number]]) -> Bar[Number]:
    """One bar of consecutive bars: first open, highest high, lowest low, last close, sums of the rest."""
    _, opens, highs, lows, closes, volumes, quotes, counts, takers, taker_quotes = zip(*bars, strict=True)
    return Bar(
        open_time,
        opens[0],
        max(highs),
        min(lows),
        closes[-1],
        sum(volumes[1:], volumes[0]),
        sum(quotes[1:], quotes[0]),
        sum(counts),
        sum(takers[1:], takers[0]),
        sum(taker_quotes[1:], taker_quotes[0]),
    )


def aggregate(frame: Timeframe, bars: Iterable[Bar[Number]]) -> Iterator[Bar[Number]]:
    """Bars of a larger timeframe, one for each of its candles that has at least one of the smaller bars in it."""
    for open_time, members in groupby(bars, lambda bar: frame.floor(bar.open_time)):
        yield merge(open_time, list(members))
