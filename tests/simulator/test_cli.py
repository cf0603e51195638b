import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulator.cli import read_arguments
from simulator.config import Replay
from simulator.testing import running_simulator

ROOT = Path(__file__).parents[2]


def test_arguments_become_a_config() -> None:
    line = "--port 9 --seed 3 --venues okx --clock 2026-01-05T00:00:00Z --clock-speed 60 --market-start 2024-01-01"
    more = "--replay okx:BTC/USDT:USDT:1m=a=b.csv --limits off --port-okx 10"
    read = read_arguments(f"{line} {more}".split())
    config = read.config
    assert (read.ports, config.seed, config.venues) == ({None: 9, "okx": 10}, 3, ("okx",))
    assert (config.clock_start_ms, config.clock_speed) == (1_767_571_200_000, 60.0)
    assert config.replays == (Replay("okx", "BTC/USDT:USDT", "1m", Path("a=b.csv")),)
    assert not config.limits.enabled


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--venues mtgox", "unknown venue 'mtgox'; known: binance, okx"),
        ("--clock yesterday", "yesterday"),
        ("--replay okx:BTC=x", "is not VENUE:SYMBOL:TIMEFRAME=FILE"),
        ("--replay okx:BTC/USDT:7m=x", "unknown timeframe '7m'"),
        ("--venues okx --replay binance:BTC/USDT:1m=x", "unknown venue 'binance'; known: okx"),
    ],
)
def test_wrong_arguments_are_named(arguments: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read_arguments(arguments.split())
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def run(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "simulator", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_starts_quickly_and_stops_cleanly(number: signal.Signals) -> None:
    began = time.monotonic()
    with run("--port", "0") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("simulator at http://127.0.0.1:")
        assert time.monotonic() - began < 5  # about a second where the cores are free
        process.send_signal(number)
        assert process.wait(5) == 0
        assert process.stderr.read() == ""


@pytest.mark.integration
def test_stops_although_somebody_waits() -> None:
    import http.client

    with running_simulator(clock="2026-01-05", clock_speed=0) as simulator:
        simulator.faults({"kind": "timeout"})
        connection = http.client.HTTPConnection(simulator.url.removeprefix("http://"))
        connection.request("GET", "/okx/api/v5/public/time")
        began = time.monotonic()
    connection.close()
    assert time.monotonic() - began < 3


@pytest.mark.integration
def test_a_port_in_use_and_a_missing_recording_end_it_with_a_reason(tmp_path: Path) -> None:
    with running_simulator() as simulator, run("--port", simulator.url.rsplit(":", 1)[1]) as process:
        assert process.wait(10) == 1
        assert process.stderr is not None
        assert "address already in use" in process.stderr.read()
    with run("--port", "0", "--replay", f"okx:A/B:1m={tmp_path}/none.csv") as process:
        assert process.wait(10) == 1
        assert process.stderr is not None
        assert "none.csv" in process.stderr.read()
