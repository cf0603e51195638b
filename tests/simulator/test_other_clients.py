"""Unchanged clients of other people fetch a whole day, page by page, and get what the ledger says."""

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from simulator.testing import RunningSimulator, simulator_thread
from tests.simulator.conftest import MIDNIGHT_MS, MINUTE, NOW, NOW_MS

pytestmark = pytest.mark.integration

DAY = 1440 * MINUTE
YESTERDAY = MIDNIGHT_MS - DAY
SYMBOLS = ["BTC/USDT", "DASH/USDT", "DOGE/USDT"]


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with simulator_thread(clock=NOW, clock_speed=1, history_days=4) as running:
        yield running


def true_rows(simulator: RunningSimulator, venue: str, symbol: str, timeframe: str = "1m") -> list[list[Any]]:
    """The ledger's day as ``[open time, open, high, low, close, volume]``, in the venue's digits."""
    names = ("open_time", "open", "high", "low", "close", "volume")
    rows = simulator.ledger(venue, symbol, timeframe, start=YESTERDAY, end=MIDNIGHT_MS)
    return [[row[name] for name in names] for row in rows]


@pytest.fixture
def ccxt_client(simulator: RunningSimulator) -> Iterator[Callable[[str], Any]]:
    """Makes CCXT clients whose URLs lead to the simulator; all else as their users have it."""
    import ccxt

    clients = []

    def make(venue: str) -> Any:
        # The one host played here is spot's; CCXT would ask those of the futures as well.
        client = getattr(ccxt, venue)({"options": {"fetchMarkets": {"types": ["spot"]}}})
        clients.append(client)
        return pointed(client, simulator.venue_url(venue))

    yield make
    for client in clients:
        client.session.close()


def pointed(client: Any, scheme_and_host: str) -> Any:
    """The client with its hosts replaced and its paths kept."""
    if client.id == "okx":
        client.urls["api"]["rest"] = scheme_and_host
    else:
        api = client.urls["api"]
        client.urls["api"] = {name: f"{scheme_and_host}/{url.split('/', 3)[3]}" for name, url in api.items()}
    return client


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_ccxt(simulator: RunningSimulator, ccxt_client: Any, venue: str, symbol: str) -> None:
    client = ccxt_client(venue)
    assert client.enableRateLimit
    assert symbol in client.load_markets()
    assert abs(client.fetch_time() - simulator.clock()["now_ms"]) < 2000
    found: list[list[float]] = []
    while not found or found[-1][0] < MIDNIGHT_MS - MINUTE:
        since = int(found[-1][0]) + MINUTE if found else YESTERDAY
        page = client.fetch_ohlcv(symbol, "1m", since=since, limit=1000 if venue == "binance" else 300)
        assert page
        found += page
    expected = true_rows(simulator, venue, symbol)
    day = [row for row in found if row[0] < MIDNIGHT_MS]
    assert day == [[row[0], *map(float, row[1:])] for row in expected]
    assert len(day) == 1440


@pytest.mark.parametrize("timeframe", ["5m", "15m", "1h", "4h", "1d"])
@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_ccxt_in_larger_timeframes(simulator: RunningSimulator, ccxt_client: Any, venue: str, timeframe: str) -> None:
    client = ccxt_client(venue)
    found = client.fetch_ohlcv("ETH/USDT", timeframe, since=YESTERDAY, limit=300)
    expected = [[row[0], *map(float, row[1:])] for row in true_rows(simulator, venue, "ETH/USDT", timeframe)]
    assert [row for row in found if row[0] < MIDNIGHT_MS] == expected


@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_ccxt_knows_the_precision(ccxt_client: Any, venue: str) -> None:
    import ccxt

    client = ccxt_client(venue)
    market = client.load_markets()["BTC/USDT"]
    assert market["spot"]
    assert market["active"]
    assert market["precision"]["price"] == (0.01 if venue == "binance" else 0.1)
    with pytest.raises(ccxt.BadSymbol):
        client.fetch_ohlcv("NO/PE")


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_binance_connector(simulator: RunningSimulator, symbol: str) -> None:
    from binance.error import ClientError
    from binance.spot import Spot

    client = Spot(base_url=simulator.venue_url("binance"), timeout=10)
    assert abs(client.time()["serverTime"] - simulator.clock()["now_ms"]) < 2000
    name = symbol.replace("/", "")
    assert client.exchange_info(symbol=name)["symbols"][0]["symbol"] == name
    found: list[list[Any]] = []
    while not found or found[-1][0] < MIDNIGHT_MS - MINUTE:
        since = found[-1][0] + 1 if found else YESTERDAY
        found += client.klines(name, "1m", startTime=since, endTime=MIDNIGHT_MS - 1, limit=1000)
    assert [row[:6] for row in found] == true_rows(simulator, "binance", symbol)
    trades = client.agg_trades(name, startTime=found[0][0], endTime=found[0][6])
    assert sum(Decimal(trade["q"]) for trade in trades) == Decimal(found[0][5])
    with pytest.raises(ClientError) as caught:
        client.klines("NOPE", "1m")
    assert (caught.value.status_code, caught.value.error_code) == (400, -1121)
    client.session.close()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_python_okx(simulator: RunningSimulator, symbol: str) -> None:
    from okx.MarketData import MarketAPI
    from okx.PublicData import PublicAPI

    # This client joins host and path itself and takes a prefix as well.
    where = {"domain": simulator.venue_url("okx"), "flag": "0", "debug": False}
    market, public = MarketAPI(**where), PublicAPI(**where)
    name = symbol.replace("/", "-")
    assert public.get_instruments("SPOT", instId=name)["data"][0]["instId"] == name
    assert abs(int(public.get_system_time()["data"][0]["ts"]) - simulator.clock()["now_ms"]) < 2000
    found: list[list[str]] = []
    while not found or int(found[-1][0]) > YESTERDAY:
        after = found[-1][0] if found else str(MIDNIGHT_MS)
        answer = market.get_history_candlesticks(name, after=after, bar="1m", limit="300")
        if answer["code"] == "50011":  # this client has no limiter: its user waits
            time.sleep(0.5)
            continue
        assert answer["code"] == "0"
        found += answer["data"]
    day = [[int(row[0]), *row[1:6]] for row in found if int(row[0]) >= YESTERDAY]
    assert day[::-1] == true_rows(simulator, "okx", symbol)
    latest = market.get_candlesticks(name, limit="1")["data"][0]
    assert (int(latest[0]) >= NOW_MS - MINUTE, latest[8]) == (True, "0")
    assert market.get_candlesticks("NO-PE")["code"] == "51001"
    market.close()
    public.close()
