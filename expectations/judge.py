"""Great Expectations, asked: which rules do the candidates break, and which rows break them?

Only the candidate tables are read, in SQL. The checkpoint asks for counts (SUMMARY: 0.3 s for a thousand rows, 1-3 s
for a hundred thousand); for a rule that failed its rows are asked for by key. The library takes 3 to 6 s to import, so
this module is imported by the first judgement, and by nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.data_context.types.resource_identifiers import ExpectationSuiteIdentifier
from great_expectations.datasource.fluent.interfaces import TestConnectionError
from great_expectations.exceptions.exceptions import GreatExpectationsError
from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError

from data_agent.core.errors import DataAgentError
from data_agent.core.logging import redact_text
from data_agent.storage.postgres.database import CONNECT_TIMEOUT_SECONDS, check_url
from expectations.rules import (
    CANDIDATES_SCHEMA,
    CANDLE_KEY,
    CANDLE_RULES,
    CANDLES_TABLE,
    SLICE_KEY,
    SLICE_RULES,
    SLICES_TABLE,
    Rule,
)
from expectations.verdicts import BrokenRule

SITE: Final = "quality"
# Even COMPLETE is cut off after `partial_unexpected_count` keys, 20 unless told otherwise.
_EVERY_KEY: Final = 2**31 - 1
_RESULTS_STORE: Final = "validation_results_store"


class GateError(DataAgentError):
    """The gate could not come to a verdict. Nothing was published."""


class Findings(Struct, frozen=True):
    """What the checkpoint found.

    Attributes:
        broken: the rows that broke a rule, one entry per row and rule.
        incomplete: slices (series id and day) that lack candles.
        count_rules: expectations evaluated.
        pages: the report's pages of this run, relative to the site.
    """

    broken: tuple[BrokenRule, ...]
    incomplete: tuple[tuple[int, date], ...]
    count_rules: int
    pages: tuple[Path, ...]


def evaluate(database_url: str, store_directory: Path, *, run_name: str) -> Findings:
    """Run the checkpoint over the candidate tables.

    Args:
        store_directory: where validation results and the site's raw pages go.
        run_name: told in the report; safe as a directory's name.

    Raises:
        GateError: an expectation could not be evaluated.
    """
    with _typed_errors(), _context(store_directory, database_url) as (context, source):
        candles = _validation(context, source, CANDLES_TABLE, CANDLE_RULES)
        slices = _validation(context, source, SLICES_TABLE, SLICE_RULES)
        outcome = _run_checkpoint(context, [candles, slices], run_name)
        site = store_directory / "site"
        by_suite = {each.suite_name: each for each in outcome.run_results.values()}
        candle_keys = _failing_rows(candles, by_suite[CANDLES_TABLE], CANDLE_RULES, CANDLE_KEY)
        slice_keys = _failing_rows(slices, by_suite[SLICES_TABLE], SLICE_RULES, SLICE_KEY)
        return Findings(
            broken=tuple(_broken(candle_keys)),
            incomplete=tuple((int(series_id), _day(day)) for _, (series_id, day) in slice_keys),
            count_rules=sum(len(each.results) for each in by_suite.values()),
            pages=tuple(sorted(page.relative_to(site) for page in site.glob(f"validations/*/{run_name}/*/*.html"))),
        )


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except (GreatExpectationsError, TestConnectionError, SQLAlchemyError) as error:
        raise GateError(f"the candidates cannot be judged: {redact_text(str(error))}") from error


@contextmanager
def _context(store_directory: Path, database_url: str) -> Iterator[tuple[Any, Any]]:
    # Suites and checkpoint live in memory, being code; results and pages outlive the run, being history.
    defaults = InMemoryStoreBackendDefaults()
    defaults.stores[_RESULTS_STORE] = {
        "class_name": "ValidationResultsStore",
        "store_backend": _files(store_directory / "results"),
    }
    defaults.data_docs_sites = {
        SITE: {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": _files(store_directory / "site"),
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        }
    }
    context = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=defaults,
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        ),
    )
    source = context.data_sources.add_postgres(  # type: ignore[call-arg]
        "warehouse",
        connection_string=_sqlalchemy_url(database_url),
        # a field of the data source that its type stub does not know
        kwargs={"connect_args": {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "options": "-c timezone=UTC"}},
    )
    try:
        yield context, source
    finally:
        # It keeps two pools, one to look at tables and one to ask them.
        source.get_engine().dispose()
        source.get_execution_engine().close()


def _files(directory: Path) -> dict[str, str]:
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(directory)}


def _sqlalchemy_url(database_url: str) -> str:
    return "postgresql+psycopg://" + check_url(database_url).split("://", 1)[1]


def _validation(context: Any, source: Any, table: str, rules: Sequence[Rule]) -> Any:
    # Whole at once: each expectation added to a stored suite writes all of it again.
    suite = gx.ExpectationSuite(
        name=table, expectations=[_expectation(place, rule) for place, rule in enumerate(rules)]
    )
    context.suites.add(suite)
    asset = source.add_table_asset(table, table_name=table, schema_name=CANDIDATES_SCHEMA)
    batch = asset.add_batch_definition_whole_table("frozen")
    return context.validation_definitions.add(gx.ValidationDefinition(name=table, data=batch, suite=suite))


def _expectation(place: int, rule: Rule) -> Any:
    return getattr(gxe, rule.expectation)(
        **rule.arguments,
        severity="critical" if rule.severity == "block" else "warning",
        description=f"{rule.name}: {rule.description}",
        meta={"rule": place},
    )


def _run_checkpoint(context: Any, validations: list[Any], run_name: str) -> Any:
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name="gate", validation_definitions=validations, result_format={"result_format": "SUMMARY"}, actions=[]
        )
    )
    outcome = checkpoint.run(run_id=RunIdentifier(run_name=run_name))
    # Once for both suites; as an action of the checkpoint the site would be built once for each.
    suites = [ExpectationSuiteIdentifier(each.suite.name) for each in validations]
    context.build_data_docs(site_names=[SITE], resource_identifiers=[*outcome.run_results, *suites])
    return outcome


def _failing_rows(
    validation: Any, outcome: Any, rules: Sequence[Rule], key: tuple[str, ...]
) -> list[tuple[Rule, tuple[Any, ...]]]:
    _refuse_errors(outcome.results)
    failed = [each.expectation_config for each in outcome.results if not each.success]
    if not failed:
        return []
    batch = validation.data.get_batch()
    return [
        (rules[config.meta["rule"]], values)
        for config in failed
        for values in _keys(batch, config.to_domain_obj(), key)
    ]


def _keys(batch: Any, expectation: Any, key: tuple[str, ...]) -> list[tuple[Any, ...]]:
    found = batch.validate(
        expectation,
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": list(key),
            "return_unexpected_index_query": False,
            "partial_unexpected_count": _EVERY_KEY,
        },
    )
    _refuse_errors([found])
    rows = found.result["unexpected_index_list"]
    if len(rows) != found.result["unexpected_count"]:
        raise GateError(f"{len(rows)} keys for {found.result['unexpected_count']} rows that broke a rule")
    return [tuple(row[column] for column in key) for row in rows]


def _refuse_errors(results: Sequence[Any]) -> None:
    for each in results:
        # Per metric, or one for all: Great Expectations tells an exception in either shape.
        told = (each.exception_info or {}).values()
        infos = [info for info in told if isinstance(info, dict)] or [each.exception_info or {}]
        for info in infos:
            if info.get("raised_exception"):
                name = each.expectation_config.type
                raise GateError(f"{name} could not be evaluated: {redact_text(str(info.get('exception_message')))}")


def _broken(found: Sequence[tuple[Rule, tuple[Any, ...]]]) -> Iterator[BrokenRule]:
    seen: dict[tuple[int, datetime, str], BrokenRule] = {}
    for rule, (series_id, open_time) in found:
        row = (int(series_id), _moment(open_time), rule.name)
        before = seen.get(row)
        shown = tuple(dict.fromkeys((*(before.columns if before else ()), *rule.shown)))
        seen[row] = BrokenRule(*row, rule.severity, shown)
    yield from seen.values()


def _moment(value: object) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.astimezone(UTC)


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
