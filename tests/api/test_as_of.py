"""An answer that was given can be given again: whatever happened since, `as_of` brings it back to the letter."""

from __future__ import annotations

import random
from typing import Any

import httpx
import pytest

from data_agent.core.time import Span
from tests.api.support import World, at, candle

pytestmark = pytest.mark.integration
BTC = {"exchange": "binance", "symbol": "BTC/USDT", "timeframe": "1m"}
LENGTH = 30
RANGE = BTC | {"start": at(0).isoformat(), "end": at(LENGTH).isoformat()}


async def get(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.get("/v1/candles", params=RANGE | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class Life:
    """What can happen to a series, in any order."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.observed = 100

    async def go_on(self) -> None:
        happening = self.random.choice([self.news, self.news, self.late, self.judgement, self.quiet, self.repeat])
        await happening()

    def _slots(self) -> list[int]:
        start = self.random.randrange(LENGTH)
        return [
            slot for slot in range(start, min(LENGTH, start + self.random.randint(1, 12))) if self.random.random() < 0.8
        ]

    def _close(self) -> str:
        return f"100.{self.random.randrange(3)}0"

    async def _write(self, observed: int) -> None:
        if slots := self._slots():
            rows = [candle(slot, observed_at=at(observed), close=self._close()) for slot in slots]
            await self.world.write(rows, span=Span(at(slots[0]), at(slots[-1] + 1)))

    async def news(self) -> None:
        """New candles, corrections of known ones, and holes between them."""
        self.observed += 1
        await self._write(self.observed)

    async def late(self) -> None:
        """An answer that was observed before others that are known already."""
        await self._write(self.random.randint(50, self.observed))

    async def judgement(self) -> None:
        """The gate judges the slice as it is now, and changes its mind about some candles."""
        chosen = self.random.sample(range(LENGTH), 6)
        try:
            await self.world.publish(
                block={at(slot): "positive" for slot in chosen[:3]}, warn={at(slot): "jump" for slot in chosen[3:]}
            )
        except AssertionError:
            return  # nothing to judge

    async def repeat(self) -> None:
        """The gate judges again what has not changed, as after a change of its rules: a version of its own."""
        async with self.world.pool.connection() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO ops.dirty_slices (series_id, day, version) VALUES (%s, %s, nextval('ops.ingest_ids'))"
                " ON CONFLICT (series_id, day) DO UPDATE SET version = excluded.version",
                [self.world.series().series_id, at(0).date()],
            )
        await self.judgement()

    async def quiet(self) -> None:
        """Another series goes on."""
        self.observed += 1
        await self.world.write(
            [candle(0, observed_at=at(self.observed), close=self._close())], series=self.world.series("ETH/USDT")
        )


@pytest.mark.parametrize("seed", range(4))
async def test_every_answer_can_be_given_again(world: World, client: httpx.AsyncClient, seed: int) -> None:
    await world.list_instruments("BTC/USDT", "ETH/USDT")
    await world.create_marts()
    life = Life(world, seed)
    given = []
    for _ in range(30):
        await life.go_on()
        given.append(await get(client))
    distinct = {(row["status"], row["quality"]) for answer in given for row in answer["data"]}
    assert len(distinct) >= 3, "the life was too dull to prove anything"
    assert any("failed rule" in gap["cause"] for answer in given for gap in answer["coverage"]["gaps"])
    for answer in given:
        assert await get(client, as_of=answer["as_of"]) == answer


async def test_before_between_and_after_revisions(world: World, client: httpx.AsyncClient) -> None:
    await world.list_instruments("BTC/USDT")
    moments = []
    for observed, close in ((100, "100.10"), (101, "100.20"), (102, "100.10")):
        written = await world.write([candle(0, observed_at=at(observed), close=close)])
        moments.append((written.committed_at, close))
    for moment, close in moments:
        found = await get(client, as_of=moment.isoformat())
        assert [row["close"] for row in found["data"]] == [close]
        assert found["coverage"]["present"] == 1
    before = await get(client, as_of=at(99).isoformat())
    assert before["data"] == []
    assert before["coverage"]["gaps"][0]["status"] == "unknown"


async def test_the_ledger_as_it_was(world: World, client: httpx.AsyncClient) -> None:
    await world.list_instruments("BTC/USDT")
    for observed, slots in ((100, (0, 1, 6)), (200, (0, 1, 2, 6))):
        rows = [candle(slot, observed_at=at(observed)) for slot in slots]
        await world.write(rows, span=Span(at(0), at(7)), empty_interval="omitted")
        if observed == 100:
            first = await get(client)
    second = await get(client)
    holes = [
        [(gap["start"][14:16], gap["end"][14:16], gap["status"]) for gap in answer["coverage"]["gaps"]]
        for answer in (first, second)
    ]
    assert holes == [
        [("02", "06", "pending"), ("07", "30", "unknown")],
        [("03", "06", "empty_market"), ("07", "30", "unknown")],
    ]
    assert await get(client, as_of=first["as_of"]) == first
    assert await get(client, as_of=second["as_of"]) == second


async def test_a_publication_is_a_change_as_well(world: World, client: httpx.AsyncClient) -> None:
    await world.list_instruments("BTC/USDT")
    await world.create_marts()
    await world.write([candle(0, observed_at=at(100))])
    provisional = await get(client)
    await world.publish()
    final = await get(client)
    assert final["as_of"] > provisional["as_of"]
    assert [final["data"][0]["status"], provisional["data"][0]["status"]] == ["final", "provisional"]
    assert await get(client, as_of=provisional["as_of"]) == provisional
    assert await get(client, as_of=final["as_of"]) == final


async def test_a_time_in_milliseconds_is_as_good(world: World, client: httpx.AsyncClient) -> None:
    await world.list_instruments("BTC/USDT")
    written = await world.write([candle(0, observed_at=at(100))])
    later = str(int(written.committed_at.timestamp() * 1000) + 1)
    found = await client.get("/v1/candles", params=RANGE | {"as_of": later})
    if found.status_code == 422:  # the millisecond after has not come yet
        assert found.json()["field"] == "as_of"
    else:
        assert len(found.json()["data"]) == 1
