"""Recorded Binance answers from the static server, by bytes and through a client of other people."""

import gzip
import json
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from simulator.testing import running_static_server

pytestmark = [pytest.mark.integration, pytest.mark.recordings]

CASSETTES = "ex_binance/fixture/vcr_cassettes/spot/public"
ROUTES = "gocryptotrader/exchanges/binance/testdata/http.json.gz"


def test_recorded_bytes_come_back(recordings: Path) -> None:
    files = [recordings / CASSETTES / name for name in ("klines_symbol_interval_limit_ok.json", "depth_error.json")]
    with running_static_server(*files) as url:
        for path in files:
            entry = json.loads(path.read_text())[0]
            query = entry["request"]["url"].split(".vision")[1]
            try:
                with urlopen(url + query, timeout=5) as answer:
                    status, body = answer.status, answer.read()
            except HTTPError as error:
                with error:
                    status, body = error.code, error.read()
            assert (status, body.decode()) == (entry["response"]["status_code"], entry["response"]["body"])
        with pytest.raises(HTTPError, match="404") as caught:
            urlopen(f"{url}/api/v3/klines?symbol=OTHER", timeout=5)
        caught.value.close()


def test_a_client_reads_recorded_klines(recordings: Path) -> None:
    from binance.spot import Spot

    recorded = json.loads(gzip.decompress((recordings / ROUTES).read_bytes()))["routes"]["/api/v3/klines"]["GET"]
    entry = next(entry for entry in recorded if entry["queryString"] == "interval=5m&limit=24&symbol=BTCUSDT")
    with running_static_server(recordings / ROUTES) as url:
        client = Spot(base_url=url, timeout=5)
        assert client.klines("BTCUSDT", "5m", limit=24) == entry["data"]
        client.session.close()
