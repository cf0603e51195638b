"""`data-agent coverage`: what is there of what should be there, as the API tells everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from data_agent.cli.api_client import ask
from data_agent.cli.deployment import Deployment, find_deployment
from data_agent.cli.output import Output

_PAGE = "500"


class Gap(msgspec.Struct, frozen=True):
    """A stretch of expected candles that are not served."""

    start: datetime
    end: datetime
    status: str
    cause: str


class SeriesCoverage(msgspec.Struct, frozen=True, rename={"newest": "newest_open_time"}):
    """One series as `GET /v1/coverage` describes it; see there for the meaning of each field."""

    exchange: str
    product: str
    symbol: str
    timeframe: str
    start: datetime | None
    end: datetime | None
    expected: int
    present: int
    ratio: float | None
    count_gaps: int
    gaps: tuple[Gap, ...]
    watermark: datetime | None
    newest: datetime | None
    quality: float | None

    @property
    def name(self) -> str:
        """For people: exchange, symbol, timeframe."""
        return f"{self.exchange} {self.symbol} {self.timeframe}"


def fetch_coverage(deployment: Deployment, parameters: Mapping[str, str | None] | None = None) -> list[SeriesCoverage]:
    """Every series that matches, over all pages of the answer.

    Raises:
        EnvironmentFault: the API does not answer.
        ConfigurationError: it knows no such exchange, symbol or timeframe.
    """
    asked = {name: value for name, value in (parameters or {}).items() if value is not None} | {"limit": _PAGE}
    lines: list[SeriesCoverage] = []
    cursor = None
    while True:
        body = ask(deployment, "/v1/coverage", asked | ({"cursor": cursor} if cursor else {}))
        lines += msgspec.convert(body["data"], list[SeriesCoverage])
        cursor = body["next_cursor"]
        if cursor is None:
            return lines


def run_coverage(
    output: Output, *, is_simulated: bool | None, exchange: str | None, symbol: str | None, timeframe: str | None
) -> None:
    """Show it."""
    deployment = find_deployment(is_simulated)
    lines = fetch_coverage(deployment, {"exchange": exchange, "symbol": symbol, "timeframe": timeframe})
    output.result({"is_simulated": deployment.state.is_simulated, "series": msgspec.to_builtins(lines)})
    show_coverage(output, lines, is_simulated=deployment.state.is_simulated)


def show_coverage(output: Output, lines: Sequence[SeriesCoverage], *, is_simulated: bool) -> None:
    """A table, one line per series; the first gap in words where there is one."""
    if not lines:
        output.say("nothing is collected yet")
        return
    output.table(
        ("exchange", "symbol", "timeframe", "candles", "coverage", "quality", "newest candle (UTC)", "gaps"),
        [_cells(line) for line in lines],
        title="simulated data" if is_simulated else "",
    )


def _cells(line: SeriesCoverage) -> tuple[object, ...]:
    return (
        line.exchange,
        line.symbol,
        line.timeframe,
        line.present,
        "-" if line.ratio is None else f"{line.ratio:.2%}",
        "-" if line.quality is None else f"{line.quality:.2f}",
        f"{line.newest:%Y-%m-%d %H:%M}" if line.newest else "-",
        _gaps(line),
    )


def _gaps(line: SeriesCoverage) -> str:
    if not line.gaps:
        return "none"
    first = line.gaps[0]
    more = f", {line.count_gaps - 1} more" if line.count_gaps > 1 else ""
    return f"{first.start:%m-%d %H:%M} to {first.end:%m-%d %H:%M} {first.status}: {first.cause or 'no cause'}{more}"
