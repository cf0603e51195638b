"""`python -m bench [NAME …]`: run the benches, print them, write bench/results.json. Exit 1 if a promise is broken."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import msgspec

from bench.results import Result
from bench.servers import running_servers
from data_agent.core.logging import configure_logging

ROOMS = ("ingest", "backfill", "serve", "transform")
RESULTS = Path(__file__).with_name("results.json")


def main() -> int:
    """Run the rooms named on the command line, or all."""
    chosen = sys.argv[1:] or list(ROOMS)
    if unknown := sorted(set(chosen) - set(ROOMS)):
        print(f"unknown bench {', '.join(unknown)}; there are {', '.join(ROOMS)}", file=sys.stderr)
        return 2
    configure_logging("WARNING", process="bench")
    results: list[Result] = []
    for room in chosen:
        with running_servers() as servers:
            for result in importlib.import_module(f"bench.{room}").run(servers):
                results.append(result)
                print(_line(result), flush=True)
    if chosen == list(ROOMS):
        RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    return 0 if all(result.is_kept for result in results) else 1


def _line(result: Result) -> str:
    ratio = "" if result.ratio is None else f"  ratio {result.ratio} to {result.reference}"
    verdict = "kept" if result.is_kept else "BROKEN"
    return (
        f"{result.name:32} {result.value:>12} {result.unit:8} {verdict:6} ({result.promised} {result.promise}){ratio}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
