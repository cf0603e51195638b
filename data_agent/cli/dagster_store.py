"""Dagster's own store: makes its tables, and closes runs whose processes are gone. Run as a process of its own.

Dagster's monitoring notices a dead worker only through the code server that started it. When both ended at once (the
supervisor was killed, the machine lost power) the run would stay `STARTED` for ever, and hold its place in the queue.
A run that was still queued is started by the daemon and stays as it is.
"""

from __future__ import annotations

import sys

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

_AT_WORK = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


def main() -> None:
    """Prepare the instance of DAGSTER_HOME while nothing else uses it."""
    with DagsterInstance.get() as instance:
        runs = instance.get_runs(RunsFilter(statuses=_AT_WORK))
        for run in runs:
            instance.report_run_failed(run, "The process of this run ended with the deployment.")
    sys.stdout.write(f"closed {len(runs)} runs that had ended with the deployment" if runs else "made Dagster's tables")


if __name__ == "__main__":
    main()
