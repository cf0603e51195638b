"""`python -m api`, as the supervisor runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from tests.conftest import free_port, wait_for_port

pytestmark = pytest.mark.integration


def test_it_serves_logs_json_and_stops_gracefully(database_url: str, redis_url: str) -> None:
    port = free_port()
    environment = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "API_PORT": str(port), "SIMULATED": "true"}
    with subprocess.Popen(
        [sys.executable, "-m", "api"], env=os.environ | environment, stderr=subprocess.PIPE
    ) as process:
        try:
            wait_for_port(port, process)
            answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10)
            assert (answer.status_code, answer.headers["x-simulated"]) == (200, "true")
            missing = httpx.get(f"http://127.0.0.1:{port}/v1/candles?exchange=nowhere", timeout=10)
            assert missing.status_code == 422
        finally:
            process.send_signal(signal.SIGTERM)
            begun = time.monotonic()
            _, log = process.communicate(timeout=15)
    assert time.monotonic() - begun < 10
    lines = [json.loads(line) for line in log.decode().splitlines()]
    [request] = [line for line in lines if line["event"] == "request"]
    assert (request["path"], request["status"], request["process"]) == ("/v1/candles", 422, "api")
    assert any("Shutting down" in line["event"] for line in lines)


def test_without_settings_it_says_so_and_ends() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    done = subprocess.run(
        [sys.executable, "-m", "api"], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert "DATABASE_URL" in json.loads(done.stderr.splitlines()[-1])["reason"]
