"""A suite that stays green when the product is wrong proves nothing: each mutant must turn at least one test red."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
MUTANTS = {
    "float_json": "tests/connections/test_bridge.py tests/connections/test_client.py",
    "max_time_watermark": "tests/coverage/test_planner.py tests/orchestration/test_collector.py",
    "closed_by_receive_time": "tests/connections/test_client.py tests/venues/test_conformance.py",
    "retry_inside_ban": "tests/connections/test_client.py",
    "late_is_latest": "tests/storage/test_writer.py",
    "first_is_reference": "tests/storage/test_writer.py",
}


def test_every_mutant_is_tried() -> None:
    plugins = {path.stem for path in Path(__file__).parent.glob("*.py")} - {"__init__", "test_mutants"}
    assert plugins == set(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_turns_a_test_red(mutant: str) -> None:
    options = ["-x", "-q", "-n", "0", "--no-cov", "--no-header", "--tb=line", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", f"tests.mutants.{mutant}", *options, *MUTANTS[mutant].split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout[-3000:] + done.stderr[-3000:]
    assert "1 failed" in done.stdout, done.stdout[-3000:]
