from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from data_agent.core.errors import StorageError
from data_agent.core.time import Span, Timeframe
from data_agent.storage.postgres import requests
from data_agent.storage.postgres.database import connect

pytestmark = pytest.mark.integration

SPAN = Span(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 3, tzinfo=UTC))


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with connect(database_url) as opened:
        yield opened


def queue(connection: psycopg.Connection[Any], symbol: str = "BTC/USDT") -> requests.BackfillRequest:
    return requests.create(
        connection,
        venue="binance",
        symbols=[symbol],
        timeframes=[Timeframe.H1],
        span=SPAN,
        count_expected=48,
        requested_by="test",
    )


def test_a_request_is_read_as_it_was_queued(connection: psycopg.Connection[Any]) -> None:
    request = requests.read(connection, queue(connection).request_id)
    assert (request.venue, request.symbols, request.timeframes) == ("binance", ["BTC/USDT"], ["1h"])
    assert (request.span, request.count_expected, request.status, request.is_open) == (SPAN, 48, "queued", True)


def test_another_connection_sees_each_step_at_once(connection: psycopg.Connection[Any], database_url: str) -> None:
    with connect(database_url) as other:
        request_id = queue(connection).request_id
        claimed = requests.claim_next(other, run_id="run-1")
        assert claimed is not None
        assert (claimed.request_id, claimed.status, claimed.run_id) == (request_id, "running", "run-1")
        assert requests.progress(other, request_id, count_done=20, count_requests=1)
        assert requests.read(connection, request_id).count_done == 20
        assert requests.finish(other, request_id).status == "done"
        done = requests.read(connection, request_id)
        assert (done.status, done.error, done.finished_at is not None) == ("done", None, True)


def test_claims_at_once_never_give_the_same_request_twice(
    connection: psycopg.Connection[Any], database_url: str
) -> None:
    queued = {queue(connection).request_id for _ in range(6)}

    def take(number: int) -> list[int]:
        taken = []
        with connect(database_url) as own:
            while request := requests.claim_next(own, run_id=f"run-{number}"):
                taken.append(request.request_id)
        return taken

    with ThreadPoolExecutor(3) as pool:
        taken = [request_id for batch in pool.map(take, range(3)) for request_id in batch]
    assert sorted(taken) == sorted(queued)


def test_a_request_whose_run_died_is_taken_over(connection: psycopg.Connection[Any]) -> None:
    request_id = queue(connection).request_id
    first = requests.claim(connection, request_id, run_id="run-1")
    second = requests.claim(connection, request_id, run_id="run-2")
    assert first is not None
    assert second is not None
    assert (second.run_id, second.started_at) == ("run-2", first.started_at)


def test_a_cancelled_request_stops_its_run_and_stays_cancelled(connection: psycopg.Connection[Any]) -> None:
    request_id = queue(connection).request_id
    requests.claim(connection, request_id, run_id="run-1")
    assert requests.cancel(connection, request_id).status == "cancelled"
    assert not requests.progress(connection, request_id, count_done=10, count_requests=1)
    assert requests.finish(connection, request_id, error="late").status == "cancelled"
    assert requests.claim(connection, request_id, run_id="run-2") is None
    assert requests.claim_next(connection, run_id="run-2") is None
    assert requests.read_open(connection) == []


def test_a_failed_request_says_why(connection: psycopg.Connection[Any]) -> None:
    request_id = queue(connection).request_id
    failed = requests.finish(connection, request_id, error="binance: banned")
    assert (failed.status, failed.error) == ("failed", "binance: banned")
    assert requests.cancel(connection, request_id).status == "failed"


def test_open_requests_come_oldest_first(connection: psycopg.Connection[Any]) -> None:
    first, second = queue(connection).request_id, queue(connection, "ETH/USDT").request_id
    requests.claim(connection, second, run_id="run-1")
    assert [request.request_id for request in requests.read_open(connection)] == [first, second]


def test_an_unknown_id_is_an_error(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(StorageError, match="no backfill request 999"):
        requests.read(connection, 999)
    with pytest.raises(StorageError, match="no backfill request 999"):
        requests.cancel(connection, 999)
