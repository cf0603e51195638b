"""The dbt documentation, served by the API at /reports/dbt/."""

import dagster as dg

from data_agent.core.settings import Settings
from orchestration.models.manifest import dbt_project
from orchestration.names import PRIORITY_REQUEST, run_tags
from orchestration.runtime import api_url, run_settings
from orchestration.transform import DbtProject


def ensure_dbt_docs(project: DbtProject, settings: Settings) -> None:
    """Write the documentation if there is none yet. dbt is loaded and its tables exist: now it costs two seconds."""
    directory = settings.data_directory / "reports" / "dbt"
    if not (directory / "index.html").exists():
        project.generate_docs(directory, is_simulated=settings.simulated)


@dg.op
def write_dbt_docs(context: dg.OpExecutionContext) -> None:
    """Write the documentation of the dbt models, with what the database says of their tables now."""
    settings = run_settings()
    page = dbt_project().generate_docs(settings.data_directory / "reports" / "dbt", is_simulated=settings.simulated)
    context.add_output_metadata({"page": dg.MetadataValue.url(api_url("/reports/dbt/")), "bytes": page.stat().st_size})


@dg.op
def test_marts(context: dg.OpExecutionContext) -> None:
    """Run dbt's data tests: what the contracts promise of tables the gate has published."""
    results = dbt_project().test("test_type:data")
    context.add_output_metadata({"tests": len(results), "seconds": round(sum(each.seconds for each in results), 1)})


@dg.job(executor_def=dg.in_process_executor, tags=run_tags(priority=PRIORITY_REQUEST, max_runtime_seconds=1_800))
def reports() -> None:
    """dbt's documentation and dbt's data tests."""
    write_dbt_docs()
    test_marts()
