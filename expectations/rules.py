"""The rules as data: what a candle must be to be served, and what makes it doubtful.

Great Expectations is the only judge. Where a rule needs more than one row (the grid, the close before, the built twin)
the candidates carry a measurement made by dbt, and the rule says how much of it is too much.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from expectations.verdicts import Severity

CANDLES_TABLE: Final = "int_candles__candidates"
SLICES_TABLE: Final = "int_slices__candidates"
CANDIDATES_SCHEMA: Final = "intermediate"
CANDLE_KEY: Final = ("series_id", "open_time")
SLICE_KEY: Final = ("series_id", "slice_day")

PRICES: Final = ("open", "high", "low", "close")
# Our clock and the venue's are two clocks. Whether a candle was closed is decided by the venue's own clock before it
# is written; here a difference that no clock explains is looked for.
_CLOCK_TOLERANCE_SECONDS: Final = 60
# A lone jump of twenty times the slice's typical return; at least 2 % for a minute, 15 % for an hour, 76 % for a day.
_JUMP_MULTIPLE: Final = 20


class Rule(Struct, frozen=True):
    """One expectation of one table.

    Attributes:
        name: the word in verdicts, ledger and answers; several expectations may share it.
        severity: `block`: the row is not served; `warn`: it is, marked and with less quality.
        description: what it says, for the reader of the quality report.
        expectation: the class in `great_expectations.expectations`.
        arguments: its keyword arguments.
        shown: columns whose values a verdict's detail tells.
    """

    name: str
    severity: Severity
    description: str
    expectation: str
    arguments: Mapping[str, object]
    shown: tuple[str, ...]


def _present(column: str) -> Rule:
    return Rule(
        "present", "block", f"{column} is there", "ExpectColumnValuesToNotBeNull", {"column": column}, (column,)
    )


def _positive(column: str) -> Rule:
    return Rule(
        "positive_price", "block", f"{column} is above zero", "ExpectColumnValuesToBeBetween",
        {"column": column, "min_value": 0, "strict_min": True}, (column,),
    )  # fmt: skip


def _at_least(name: str, column: str, other: str) -> Rule:
    return Rule(
        name, "block", f"{column} is not below {other}", "ExpectColumnPairValuesAToBeGreaterThanB",
        {"column_A": column, "column_B": other, "or_equal": True}, (column, other),
    )  # fmt: skip


def _between(
    name: str,
    description: str,
    column: str,
    bounds: tuple[float | None, float | None],
    *,
    severity: Severity = "block",
    shown: tuple[str, ...] = (),
) -> Rule:
    least, most = bounds
    return Rule(
        name, severity, description, "ExpectColumnValuesToBeBetween",
        {"column": column, "min_value": least, "max_value": most}, (column, *shown),
    )  # fmt: skip


CANDLE_RULES: Final = (
    *(_present(column) for column in (*PRICES, "volume", "source", "observed_at")),
    *(_positive(column) for column in PRICES),
    _at_least("high_is_highest", "high", "open"),
    _at_least("high_is_highest", "high", "close"),
    _at_least("low_is_lowest", "open", "low"),
    _at_least("low_is_lowest", "close", "low"),
    _between("volume_not_negative", "volume is zero or more", "volume", (0, None)),
    _between(
        "finite",
        "every price and the volume is a number",
        "count_not_finite",
        (0, 0),
        shown=(*PRICES, "volume"),
    ),
    _between("on_grid", "opens where the venue's candles open", "seconds_off_grid", (0, 0)),
    _between("unique", "one candle a series and open time", "count_of_key", (1, 1)),
    _between(
        "not_from_the_future",
        "had closed when it was observed",
        "seconds_observed_early",
        (None, _CLOCK_TOLERANCE_SECONDS),
        shown=("observed_at", "close_time"),
    ),
    _between(
        "jump",
        "lies near one of the two closes before it, by the slice's typical return",
        "jump_multiple",
        (None, _JUMP_MULTIPLE),
        severity="warn",
        shown=("close",),
    ),
    _between(
        "built_differs",
        "equals its twin: the venue's candle and the one built from its minutes",
        "count_twin_differences",
        (0, 0),
        severity="warn",
        shown=(*PRICES, "volume"),
    ),
)

SLICE_RULES: Final = (
    Rule(
        "complete",
        "warn",
        "every interval that closed has its candle, by the calendar and the ledger",
        "ExpectColumnPairValuesAToBeGreaterThanB",
        {"column_A": "count_present", "column_B": "count_expected", "or_equal": True},
        ("count_present", "count_expected"),
    ),
)
