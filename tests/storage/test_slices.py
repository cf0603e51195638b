"""Freezing: what a publication works on, and that there is only one at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from data_agent.core.errors import StorageError
from data_agent.storage.postgres.slices import (
    PublicationBusy,
    check_lock,
    count_dirty,
    freeze,
    hold_publication_lock,
)
from tests.expectations.warehouse import DAY, Instrument

pytestmark = pytest.mark.integration
OTHER_DAY = DAY + timedelta(days=1)


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def frozen(connection: psycopg.Connection[Any]) -> dict[tuple[int, date], tuple[int, int]]:
    rows = connection.execute("SELECT series_id, day, version, source_series_id FROM ops.frozen_slices")
    return {(series_id, day): (version, source) for series_id, day, version, source in rows}


def test_nothing_dirty_freezes_nothing(connection: psycopg.Connection[Any]) -> None:
    assert freeze(connection) == 0
    assert count_dirty(connection) == 0


def test_a_dirty_minute_slice_brings_the_built_slices_of_its_day(connection: psycopg.Connection[Any]) -> None:
    coin, other = Instrument(connection), Instrument(connection)
    version = coin.ingest()
    coin.mark(version)
    assert freeze(connection) == 6
    minutes = coin.venue["1m"]
    assert frozen(connection) == {
        (minutes, DAY): (version, minutes),
        **{(built, DAY): (version, minutes) for built in coin.built.values()},
    }
    assert not other.venue.keys() & frozen(connection).keys()


def test_a_dirty_slice_without_minutes_brings_nothing_built(connection: psycopg.Connection[Any]) -> None:
    coin = Instrument(connection)
    version = coin.ingest("1h")
    coin.mark(version, "1h")
    assert freeze(connection) == 1
    assert frozen(connection) == {(coin.venue["1h"], DAY): (version, coin.venue["1h"])}


def test_a_clean_slice_comes_along_at_a_version_of_its_own(connection: psycopg.Connection[Any]) -> None:
    coin = Instrument(connection)
    old, newest, dirty = coin.ingest("5m"), coin.ingest("5m"), coin.ingest()
    for version, is_published in ((old, True), (newest, False)):
        connection.execute(
            "INSERT INTO ops.slice_verdicts VALUES (%s, %s, %s, TRUE, 0, 0, 0, 0, 1, 'test', now(),"
            " CASE WHEN %s THEN now() END)",
            [coin.venue["5m"], DAY, version, is_published],
        )
    coin.mark(dirty)
    freeze(connection)
    version, source = frozen(connection)[coin.venue["5m"], DAY]
    assert version > dirty, "a verdict that was published is never rewritten"
    assert source == coin.venue["5m"]


def test_at_most_so_many_instrument_days_and_the_longest_waiting_first(connection: psycopg.Connection[Any]) -> None:
    coins = [Instrument(connection) for _ in range(3)]
    for coin, marked_at in zip(coins, ("12:02", "12:01", "12:03"), strict=True):
        coin.mark(coin.ingest())
        coin.mark(coin.ingest(), day=OTHER_DAY)
        connection.execute(
            "UPDATE ops.dirty_slices SET marked_at = %s WHERE series_id = %s",
            [f"2026-01-01 {marked_at}+00", coin.venue["1m"]],
        )
    assert freeze(connection, limit_instrument_days=3) == 18
    assert {key for key, (_, source) in frozen(connection).items() if key[0] == source} == {
        (coins[1].venue["1m"], DAY),
        (coins[1].venue["1m"], OTHER_DAY),
        (coins[0].venue["1m"], DAY),
    }


def test_freezing_again_forgets_what_was_frozen(connection: psycopg.Connection[Any]) -> None:
    coin = Instrument(connection)
    coin.mark(coin.ingest())
    freeze(connection)
    connection.execute("DELETE FROM ops.dirty_slices")
    assert freeze(connection) == 0
    assert frozen(connection) == {}


def test_what_is_not_committed_is_not_frozen(connection: psycopg.Connection[Any], database_url: str) -> None:
    coin = Instrument(connection)
    with psycopg.connect(database_url) as writer:
        writer.execute("INSERT INTO ops.dirty_slices VALUES (%s, %s, 1)", [coin.venue["1m"], DAY])
        assert freeze(connection) == 0
        writer.commit()
        assert freeze(connection) == 6


def test_one_publication_at_a_time(connection: psycopg.Connection[Any], database_url: str) -> None:
    with hold_publication_lock(database_url) as holder:
        check_lock(holder)
        freeze(holder)
        with pytest.raises(PublicationBusy), hold_publication_lock(database_url):
            pass
        with (
            pytest.raises(PublicationBusy, match=r"after 0\.2 s"),
            hold_publication_lock(database_url, wait_seconds=0.2),
        ):
            pass
        with pytest.raises(PublicationBusy):
            freeze(connection)
    with hold_publication_lock(database_url):
        pass


def test_the_second_publication_may_wait_for_the_first(database_url: str) -> None:
    entered, order = threading.Event(), []

    def first() -> None:
        with hold_publication_lock(database_url):
            entered.set()
            threading.Event().wait(0.3)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(10)
    with hold_publication_lock(database_url, wait_seconds=10):
        order.append("second")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_lost_lock_is_noticed(connection: psycopg.Connection[Any], database_url: str) -> None:
    with hold_publication_lock(database_url) as holder:
        connection.execute("SELECT pg_terminate_backend(%s)", [holder.info.backend_pid])
        with pytest.raises(StorageError, match="lost its lock"):
            check_lock(holder)


def test_a_connection_without_the_lock_is_refused(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(StorageError, match="does not hold"):
        check_lock(connection)
