"""The bodies of `up` and `down`."""

from __future__ import annotations

from data_agent.cli.deployment import Deployment, settings_for
from data_agent.cli.output import Output
from data_agent.cli.start import ensure_up
from data_agent.cli.stop import stop


def run_up(output: Output, *, is_simulated: bool | None, is_waiting: bool, simulator_options: str) -> None:
    """Start; with `is_waiting` also wait for final data and show them. What fails leaves nothing running."""
    settings = settings_for(is_simulated)
    deployment, is_ours = ensure_up(settings, output.say, simulator_options=simulator_options)
    if is_waiting:
        _wait_for_data(deployment, output, is_ours=is_ours)
    if not output.is_json:
        output.say()
        output.facts(deployment.links)
    output.result(
        {
            "directory": str(deployment.directory),
            "is_simulated": deployment.state.is_simulated,
            "was_running": not is_ours,
            "links": deployment.links,
        }
    )


def _wait_for_data(deployment: Deployment, output: Output, *, is_ours: bool) -> None:
    from data_agent.cli.coverage import fetch_coverage, show_coverage
    from data_agent.cli.waiting import await_final

    try:
        await_final(deployment, output.say)
    except BaseException:
        if is_ours:
            output.say("stopping what was started")
            stop(deployment.directory)
        raise
    show_coverage(output, fetch_coverage(deployment), is_simulated=deployment.state.is_simulated)


def run_down(output: Output, *, is_simulated: bool | None) -> None:
    """Stop one deployment, or without a choice every one: DATA_DIR if it is set, else the simulated and the real."""
    directories = {
        settings_for(kind).data_directory: None for kind in ((True, False) if is_simulated is None else (is_simulated,))
    }
    done = {}
    for directory in directories:
        stopped = stop(directory)
        done[str(directory)] = {"stopped": stopped.programs, "leftovers": stopped.leftovers}
        if stopped.programs:
            output.say(f"stopped in {directory}: {', '.join(stopped.programs)}")
        for leftover in stopped.leftovers:
            output.say(f"ended in {directory}: {leftover}, which nobody supervised any more")
        if not any(stopped):
            output.say(f"nothing runs in {directory}")
    output.result(done)
