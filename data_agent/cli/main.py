"""The `data-agent` command: its words and options. Each body imports what it needs when it is called."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from data_agent.core.errors import DataAgentError

app = typer.Typer(
    name="data-agent",
    help="Collects market data from exchanges, knows what it has, and says so on every answer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Kind = Annotated[
    bool | None,
    typer.Option("--simulated/--real", help="Which deployment; needed only where both exist.", show_default=False),
]
Exchange = Annotated[str | None, typer.Option(help="e.g. binance")]


@app.command()
def up(
    simulated: Annotated[bool | None, typer.Option("--simulated/--real", help="Play the exchanges.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the collected data are served as final.")] = False,
    simulator_options: Annotated[
        str, typer.Option(help="Further options of the simulator, e.g. '--replay binance:BTC/USDT:1m=FILE'.")
    ] = "",
    json_output: Json = False,
) -> None:
    """Start everything: servers, Dagster, API. Twice is harmless."""
    from data_agent.cli.commands import run_up

    run_up(_output(json_output), is_simulated=simulated, is_waiting=wait, simulator_options=simulator_options)


@app.command()
def down(
    simulated: Annotated[
        bool | None, typer.Option("--simulated/--real", help="Only this one; default: both.", show_default=False)
    ] = None,
    json_output: Json = False,
) -> None:
    """Stop everything that runs, whatever state it is in."""
    from data_agent.cli.commands import run_down

    run_down(_output(json_output), is_simulated=simulated)


@app.command()
def status(simulated: Kind = None, json_output: Json = False) -> None:
    """Show the programs, how old the data are, and where the doors are. Exit code 1 unless all is well."""
    from data_agent.cli.status import run_status

    raise typer.Exit(run_status(_output(json_output), is_simulated=simulated))


@app.command()
def coverage(
    exchange: Exchange = None,
    symbol: Annotated[str | None, typer.Option(help="e.g. BTC/USDT")] = None,
    timeframe: Annotated[str | None, typer.Option(help="e.g. 1h")] = None,
    simulated: Kind = None,
    json_output: Json = False,
) -> None:
    """Show what is collected and how complete it is, as the API serves it."""
    from data_agent.cli.coverage import run_coverage

    run_coverage(
        _output(json_output), is_simulated=simulated, exchange=exchange, symbol=symbol, timeframe=timeframe
    )  # fmt: skip


@app.command()
def backfill(
    *,
    exchange: Exchange = None,
    symbol: Annotated[list[str] | None, typer.Option(help="e.g. BTC/USDT; may be repeated")] = None,
    timeframe: Annotated[list[str] | None, typer.Option(help="e.g. 1h; may be repeated")] = None,
    start: Annotated[str | None, typer.Option(help="2017-08-17 or 2017-08-17T04:00Z, UTC")] = None,
    end: Annotated[str | None, typer.Option(help="exclusive; default: now")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would take.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Ask again for what is already known.")] = False,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Show progress until it is done.")] = True,
    cancel: Annotated[int | None, typer.Option(help="Stop a request; what was stored stays.", metavar="ID")] = None,
    simulated: Kind = None,
    json_output: Json = False,
) -> None:
    """Fetch a range of history, as a Dagster run."""
    from data_agent.cli.backfill import Wanted, run_backfill, run_cancel

    output = _output(json_output)
    if cancel is not None:
        run_cancel(output, cancel, is_simulated=simulated)
        return
    wanted = Wanted(exchange, symbol or [], timeframe or [], start, end, is_forced=force)
    raise typer.Exit(run_backfill(output, wanted, is_simulated=simulated, is_dry_run=dry_run, is_following=follow))


@app.command()
def doctor(
    simulated: Annotated[bool | None, typer.Option("--simulated/--real", help="For which kind of data.")] = None,
    json_output: Json = False,
) -> None:
    """Check tools, ports, disk, servers, clock and configuration, and say what to do about each finding."""
    from data_agent.cli.doctor import run_doctor

    raise typer.Exit(run_doctor(_output(json_output), is_simulated=simulated))


def main() -> None:
    """Run the command. An expected failure is told in words, without a traceback, with exit code 1."""
    try:
        app()
    except DataAgentError as error:
        _fail(str(error), type(error).__name__)
    except KeyboardInterrupt:
        _fail("interrupted", "Interrupted", code=130)


def _fail(message: str, kind: str, code: int = 1) -> None:
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps({"error": {"type": kind, "message": message}}, indent=2) + "\n")
    sys.stdout.flush()
    sys.stderr.write(f"data-agent: {message}\n")
    raise SystemExit(code)


def _output(is_json: bool) -> Any:
    from data_agent.cli.output import open_output

    return open_output(is_json=is_json)
