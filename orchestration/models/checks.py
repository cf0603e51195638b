"""The gate's verdicts as asset checks: one per rule, with the number of rows that broke it.

They show what the gate decided; the rows themselves were withheld before. So none of them blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import dagster as dg

from expectations.rules import CANDLE_RULES, SLICE_RULES, Rule
from orchestration.names import CANDIDATES_KEY
from orchestration.publish import PublishResult

_CANDIDATES = dg.AssetKey(CANDIDATES_KEY)
MADE_OF_FAILED = "made_of_failed"


def rules() -> dict[str, tuple[str, str]]:
    """Rule -> severity and description; expectations that share a name are one rule."""
    found: dict[str, tuple[str, str]] = {MADE_OF_FAILED: ("block", "a built candle holds no minute that is withheld")}
    for rule in (*CANDLE_RULES, *SLICE_RULES):
        found[rule.name] = (rule.severity, _join(found.get(rule.name), rule))
    return found


def _join(before: tuple[str, str] | None, rule: Rule) -> str:
    return f"{before[1]}; {rule.description}" if before else rule.description


def check_specs() -> list[dg.AssetCheckSpec]:
    """One check per rule, on the candidates."""
    return [
        dg.AssetCheckSpec(name, asset=_CANDIDATES, description=description, metadata={"severity": severity})
        for name, (severity, description) in rules().items()
    ]


def check_results(result: PublishResult, links: Mapping[str, str]) -> Iterator[dg.AssetCheckResult]:
    """What the gate found in the slices of one publication."""
    for name, (severity, _) in rules().items():
        count_broken = result.count_incomplete if name == "complete" else result.broken_rules.get(name, 0)
        yield dg.AssetCheckResult(
            asset_key=_CANDIDATES,
            check_name=name,
            passed=count_broken == 0,
            severity=dg.AssetCheckSeverity.ERROR if severity == "block" else dg.AssetCheckSeverity.WARN,
            metadata={
                "broken": count_broken,
                "judged_rows": result.count_rows,
                "judged_slices": result.count_slices,
                **{title: dg.MetadataValue.url(url) for title, url in links.items()},
            },
        )
