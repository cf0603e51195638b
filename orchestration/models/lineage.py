"""The dbt models as assets of the same graph: what they read is what the ingest and the gate write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, build_dbt_asset_specs

from orchestration.names import OWNER, VERDICTS_KEY, candles_key, instruments_key

MODELS_GROUP: Final = "models"
CANDIDATES_MODEL: Final = "int_candles__candidates"

VERDICT_SOURCES: Final = frozenset({"slice_verdicts", "row_verdicts"})


class Translator(DagsterDbtTranslator):
    """Names models after their schema and gives them their owner and group."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`staging/stg_…`, `intermediate/int_…`, `marts/…`; sources keep the name of their table."""
        if dbt_resource_props["resource_type"] == "source":
            return source_key(dbt_resource_props["source_name"], dbt_resource_props["name"])
        return dg.AssetKey([dbt_resource_props["config"]["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """All models are one group: they are built by one job."""
        return MODELS_GROUP

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        """The team that owns them."""
        return [OWNER]


def source_key(schema: str, table: str) -> dg.AssetKey:
    """The key under which dbt's lineage names a source, before it is replaced by what writes it."""
    return dg.AssetKey([schema, table])


def writers_of(source: dg.AssetKey, venues: Iterable[str]) -> list[dg.AssetKey]:
    """The assets that write a source's table: a table holds all venues, an asset is one venue's share of it."""
    schema, table = source.path
    if table in VERDICT_SOURCES:
        return [dg.AssetKey(VERDICTS_KEY)]
    key = instruments_key if schema == "ref" else candles_key
    return [dg.AssetKey(key(venue)) for venue in venues]


def model_specs(manifest: Mapping[str, Any], venues: Sequence[str]) -> list[dg.AssetSpec]:
    """One spec per model, its sources replaced by the assets that write them."""
    sources = {source_key(each["source_name"], each["name"]) for each in manifest["sources"].values()}
    specs = build_dbt_asset_specs(manifest=manifest, dagster_dbt_translator=Translator())
    return [_with_writers(spec, sources, venues) for spec in specs]


def _with_writers(spec: dg.AssetSpec, sources: set[dg.AssetKey], venues: Sequence[str]) -> dg.AssetSpec:
    def upstream() -> Iterator[dg.AssetKey]:
        for dep in spec.deps:
            yield from writers_of(dep.asset_key, venues) if dep.asset_key in sources else [dep.asset_key]

    # One job builds them all, and what has nothing to do is not built: hence each may be left out.
    return spec.replace_attributes(deps=list(dict.fromkeys(upstream())), kinds={"dbt", "postgres"}, skippable=True)


def keys_of_models(manifest: Mapping[str, Any]) -> dict[str, dg.AssetKey]:
    """dbt's unique ids of models -> asset keys."""
    translator = Translator()
    return {
        unique_id: translator.get_asset_key(node)
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
