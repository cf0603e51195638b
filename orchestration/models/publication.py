"""The publication as one step of Dagster: candidates, verdicts and marts, built in this process.

dagster-dbt's command line takes 9 to 11 s a build, 3 of them for asking dbt its version; in process with the ready
manifest it is half a second. The results of dbt's nodes become materializations with rows and seconds.
"""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg

from data_agent.storage.postgres.slices import PublicationBusy
from expectations.rules import SLICES_TABLE
from orchestration.models.checks import check_results, check_specs
from orchestration.models.lineage import MODELS_GROUP, keys_of_models, model_specs
from orchestration.models.manifest import load_manifest
from orchestration.models.reports import ensure_dbt_docs
from orchestration.names import (
    CANDIDATES_KEY,
    OWNER,
    PRIORITY_PUBLISH,
    PUBLISH_JOB,
    VERDICTS_KEY,
    run_tags,
)
from orchestration.publish import PublicationPaths, PublishResult, publish
from orchestration.runtime import api_url, collected_venues, database_url, run_settings
from orchestration.transform import DbtProject, NodeResult

_MANIFEST = load_manifest()
_KEYS = keys_of_models(_MANIFEST)

_VERDICTS = dg.AssetSpec(
    VERDICTS_KEY,
    deps=[dg.AssetKey(CANDIDATES_KEY), dg.AssetKey([*CANDIDATES_KEY[:-1], SLICES_TABLE])],
    description=(
        "What the gate found in the candidates: ops.slice_verdicts and ops.row_verdicts. Great Expectations judges"
        " exactly the slices that changed; a row that breaks a blocking rule is not published, its neighbours are."
    ),
    group_name=MODELS_GROUP,
    owners=[OWNER],
    kinds={"greatexpectations", "postgres"},
    metadata={"quality_report": dg.MetadataValue.url(api_url("/reports/quality/"))},
    skippable=True,
)
_SPECS = [*model_specs(_MANIFEST, collected_venues()), _VERDICTS]
_UPSTREAM = {spec.key: {dep.asset_key for dep in spec.deps} for spec in _SPECS}
_ORDER = {key: place for place, key in enumerate(TopologicalSorter(_UPSTREAM).static_order())}


@dg.multi_asset(
    name="publication",
    specs=_SPECS,
    check_specs=check_specs(),
    # Nothing is asked for in vain: a run without dirty slices, or one that another has overtaken, shows nothing.
    can_subset=True,
)
def publication(
    context: dg.AssetExecutionContext,
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Publish what changed: build candidates, judge them, publish what passed."""
    settings = run_settings()
    paths = PublicationPaths.of(settings)
    project = _Remembering(database_url(), paths.dbt_state)
    try:
        result = publish(
            database_url(),
            paths,
            is_simulated=settings.simulated,
            run_id=context.run.run_id,
            dbt=project,
        )
    except PublicationBusy as error:
        context.log.info(f"{error}; it publishes what is dirty now")
        return
    if result.count_rounds:
        yield from _show(context, result, project.results)
        ensure_dbt_docs(project, settings)


def _show(
    context: dg.AssetExecutionContext, result: PublishResult, nodes: Sequence[NodeResult]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What was done, of what the run was asked to show; done is always everything."""
    shown = {**_models(nodes), dg.AssetKey(VERDICTS_KEY): _describe(result)}
    # Dagster wants what is upstream first; the gate stands between candidates and marts.
    for key in sorted(shown.keys() & context.selected_asset_keys, key=_ORDER.__getitem__):
        yield dg.MaterializeResult(asset_key=key, metadata=shown[key])
    shown_checks = {key.name for key in context.selected_asset_check_keys}
    yield from (check for check in check_results(result, _links(result)) if check.check_name in shown_checks)


class _Remembering(DbtProject):
    """Keeps what dbt says of each node it builds; a publication of several rounds builds each several times."""

    results: Sequence[NodeResult] = ()

    def run(self, select: str) -> tuple[NodeResult, ...]:
        results = super().run(select)
        self.results = [*self.results, *results]
        return results


def _models(results: Sequence[NodeResult]) -> dict[dg.AssetKey, Mapping[str, Any]]:
    """What to tell of each model that was built, its rounds added up."""
    rounds: dict[dg.AssetKey, list[NodeResult]] = {}
    for each in results:
        if each.unique_id in _KEYS:
            rounds.setdefault(_KEYS[each.unique_id], []).append(each)
    return {key: _describe_model(built) for key, built in rounds.items()}


def _describe_model(built: Sequence[NodeResult]) -> Mapping[str, Any]:
    counts = [each.count_rows for each in built if each.count_rows is not None]
    return {
        "seconds": round(sum(each.seconds for each in built), 3),
        "rounds": len(built),
        **({"rows_written": sum(counts)} if counts else {}),
    }


def _describe(result: PublishResult) -> Mapping[str, Any]:
    return {
        "slices": result.count_slices,
        "rows": result.count_rows,
        "rows_withheld": result.count_failed,
        "rows_with_warning": result.count_warned,
        "incomplete_slices": result.count_incomplete,
        "dirty_slices_left": result.count_dirty_left,
        "rounds": result.count_rounds,
        "broken_rules": dg.MetadataValue.json(result.broken_rules),
        "seconds": dg.MetadataValue.json(result.seconds),
        **{title: dg.MetadataValue.url(url) for title, url in _links(result).items()},
    }


def _links(result: PublishResult) -> dict[str, str]:
    links = {"quality_report": api_url("/reports/quality/")}
    if result.pages:
        links["this_judgement"] = api_url(f"/reports/quality/{result.pages[-1]}")
    return links


publish_job = dg.define_asset_job(
    PUBLISH_JOB,
    selection=dg.AssetSelection.assets(publication),
    description="Candidates, verdicts and marts of everything that changed.",
    executor_def=dg.in_process_executor,
    tags=run_tags(priority=PRIORITY_PUBLISH, max_runtime_seconds=1_800),
)
