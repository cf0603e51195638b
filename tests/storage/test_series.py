from datetime import timedelta

import pytest

from data_agent.core.errors import StorageError
from data_agent.core.time import Timeframe
from data_agent.storage.postgres.series import ensure_candle_series, load_candle_series, sync_instruments

from .conftest import START, Store, instrument

pytestmark = pytest.mark.integration


async def versions(store: Store, market_id: str) -> list[tuple[object, ...]]:
    return await store.rows(
        "SELECT symbol, is_active, valid_from, valid_to FROM ref.instrument_versions JOIN ref.instruments"
        " USING (instrument_id) WHERE market_id = %s ORDER BY valid_from",
        market_id,
    )


async def sync(store: Store, *instruments: object, hours: int) -> int:
    async with store.pool.connection() as connection:
        return await sync_instruments(connection, instruments, observed_at=START + timedelta(hours=hours))


async def test_the_same_list_again_changes_nothing(store: Store) -> None:
    assert await sync(store, instrument("BTC/USDT"), instrument("ETH/USDT"), hours=1) == 0


async def test_a_rename_keeps_the_instrument_and_dates_its_names(store: Store) -> None:
    renamed = instrument("XBT/USDT", "BTCUSDT")
    assert await sync(store, renamed, instrument("ETH/USDT"), hours=1) == 1
    later = START + timedelta(hours=1)
    assert await versions(store, "BTCUSDT") == [("BTC/USDT", True, START, later), ("XBT/USDT", True, later, None)]
    async with store.pool.connection() as connection:
        found = await load_candle_series(connection, symbols=["XBT/USDT"], timeframes=[Timeframe.M1])
    assert [each.series_id for each in found] == [store.series.series_id]


async def test_what_is_no_longer_listed_becomes_inactive_and_comes_back(store: Store) -> None:
    await sync(store, instrument("BTC/USDT"), hours=1)
    assert [row[1] for row in await versions(store, "ETHUSDT")] == [True, False]
    await sync(store, instrument("BTC/USDT"), instrument("ETH/USDT"), hours=2)
    assert [row[1] for row in await versions(store, "ETHUSDT")] == [True, False, True]


async def test_an_older_answer_that_comes_late_changes_nothing(store: Store) -> None:
    await sync(store, instrument("XBT/USDT", "BTCUSDT"), instrument("ETH/USDT"), hours=2)
    assert await sync(store, instrument("BTC/USDT"), instrument("ETH/USDT"), hours=1) == 0
    assert (await versions(store, "BTCUSDT"))[-1][0] == "XBT/USDT"


async def test_an_empty_list_is_a_fault_and_delists_nobody(store: Store) -> None:
    with pytest.raises(StorageError, match="exactly one product"):
        await sync(store, hours=1)
    assert [row[1] for row in await versions(store, "ETHUSDT")] == [True]


async def test_series_are_made_once_and_built_ones_stand_beside(store: Store) -> None:
    async with store.pool.connection() as connection:
        again = {"venue": "binance", "product": "spot", "symbols": ["BTC/USDT"]}
        assert await ensure_candle_series(connection, timeframes=[Timeframe.M1, Timeframe.H1], **again) == 0
        assert await ensure_candle_series(connection, timeframes=[Timeframe.M1, Timeframe.D1], **again) == 2
        built = await load_candle_series(connection, symbols=["BTC/USDT"], origin="built")
        with pytest.raises(StorageError, match="does not list NOPE/USDT"):
            await ensure_candle_series(
                connection, venue="binance", product="spot", symbols=["NOPE/USDT"], timeframes=[Timeframe.M1]
            )
    assert [each.timeframe for each in built] == ["1h", "1d"]
