"""`data-agent status`: which programs live, how old the data are, where the doors are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from data_agent.cli.deployment import Deployment, find_deployment
from data_agent.cli.output import Output, duration_text
from data_agent.cli.programs import Program, build_programs
from data_agent.cli.supervisor import Child, Supervisor
from data_agent.core.errors import DataAgentError
from data_agent.core.time import utc_now


@dataclass(frozen=True)
class ProgramStatus:
    """One program: `is_ready` is what its probe says now, `state` what the supervisor says."""

    name: str
    title: str
    state: str
    pid: int
    uptime_seconds: int
    is_ready: bool


def run_status(output: Output, *, is_simulated: bool | None) -> int:
    """Show it; returns the exit code, 0 if every program does its work."""
    deployment = find_deployment(is_simulated)
    programs = program_statuses(deployment)
    is_well = bool(programs) and all(program.is_ready for program in programs)
    data = _data_age(deployment) if is_well else {}
    output.result(
        {
            "directory": str(deployment.directory),
            "is_simulated": deployment.state.is_simulated,
            "is_well": is_well,
            "programs": [asdict(program) for program in programs],
            "data": data,
            "links": deployment.links,
        }
    )
    if not output.is_json:
        _show(output, deployment, programs, data)
    return 0 if is_well else 1


def program_statuses(deployment: Deployment) -> list[ProgramStatus]:
    """Every program of the deployment; none if no supervisor answers."""
    supervisor = Supervisor(deployment.directory)
    if not supervisor.is_running():
        return []
    children = supervisor.children()
    return [
        _program_status(program, children[program.name])
        for program in build_programs(deployment)
        if program.name in children
    ]


def _program_status(program: Program, child: Child) -> ProgramStatus:
    is_ready = bool(child.pid) and program.probe(child.started_at)
    return ProgramStatus(program.name, program.title, child.state, child.pid, child.uptime_seconds, is_ready)


def _data_age(deployment: Deployment) -> dict[str, Any]:
    """The newest final candle over all series, and its age; what the API says if it cannot tell."""
    from data_agent.cli.coverage import fetch_coverage

    try:
        lines = fetch_coverage(deployment)
    except DataAgentError as error:
        return {"error": str(error)}
    newest = max((line.newest for line in lines if line.newest), default=None)
    return {
        "count_series": len(lines),
        "count_candles": sum(line.present for line in lines),
        "newest": newest.isoformat() if newest else None,
        "age_seconds": round((utc_now() - newest).total_seconds()) if newest else None,
    }


def _show(output: Output, deployment: Deployment, programs: list[ProgramStatus], data: dict[str, Any]) -> None:
    kind = "simulated" if deployment.state.is_simulated else "real"
    if not programs:
        output.say(f"nothing runs in {deployment.directory} ({kind} data): data-agent up")
        return
    output.say(f"{kind} data in {deployment.directory}")
    rows = [
        (
            program.name,
            "ready" if program.is_ready else "not ready",
            program.state.lower(),
            duration_text(program.uptime_seconds) if program.pid else "-",
            program.title,
        )
        for program in programs
    ]
    output.table(("program", "does its work", "process", "uptime", "what it is"), rows)
    if data.get("newest"):
        output.say(
            f"{data['count_candles']} candles in {data['count_series']} series; "
            f"the newest is from {datetime.fromisoformat(data['newest']):%Y-%m-%d %H:%M} UTC, "
            f"{duration_text(data['age_seconds'])} ago"
        )
    elif data.get("error"):
        output.say(f"data: {data['error']}")
    output.facts(deployment.links)
