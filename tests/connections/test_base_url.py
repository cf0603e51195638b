import ccxt.async_support
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_agent.connections.base_url import override_base_url


def leaves(urls: object) -> list[str]:
    if isinstance(urls, dict):
        return [leaf for name, value in urls.items() if name != "ws" for leaf in leaves(value)]
    return [urls] if isinstance(urls, str) else []


@pytest.mark.parametrize(
    ("venue", "base_url", "name", "expected"),
    [
        ("binance", "http://127.0.0.1:9000", "public", "http://127.0.0.1:9000/api/v3"),
        ("binance", "http://127.0.0.1:9000/a/b", "public", "http://127.0.0.1:9000/a/b/api/v3"),
        ("binance", "https://proxy.example/binance", "fapiPublic", "https://proxy.example/binance/fapi/v1"),
        ("okx", "http://127.0.0.1:9000", "rest", "http://127.0.0.1:9000"),
        ("okx", "http://127.0.0.1:9000/okx", "rest", "http://127.0.0.1:9000/okx"),
    ],
)
async def test_the_venue_s_own_path_follows(venue: str, base_url: str, name: str, expected: str) -> None:
    client = getattr(ccxt.async_support, venue)()
    assert override_base_url(client.urls["api"], base_url, client.implode_hostname)[name] == expected
    await client.close()


@pytest.mark.parametrize("venue", ["binance", "okx", "htx", "coinbase", "kraken", "krakenfutures"])
async def test_no_url_leaks_to_the_real_venue(venue: str) -> None:
    client = getattr(ccxt.async_support, venue)()
    urls = override_base_url(client.urls["api"], "http://127.0.0.1:1/x", client.implode_hostname)
    assert leaves(urls)
    assert all(url.startswith("http://127.0.0.1:1/x") for url in leaves(urls))
    await client.close()


def test_websocket_urls_stay() -> None:
    urls = {"rest": "https://a.b/c", "ws": {"public": "wss://a.b/ws"}, "wss": "wss://a.b"}
    changed = override_base_url(urls, "http://t", str)
    assert changed == {"rest": "http://t/c", "ws": {"public": "wss://a.b/ws"}, "wss": "wss://a.b"}


@given(path=st.text(alphabet="abc/", max_size=8).map(lambda path: "/" + path.strip("/")))
def test_the_path_is_kept_whole(path: str) -> None:
    assert override_base_url("https://host" + path, "http://t:1/p", str) == "http://t:1/p" + path.rstrip("/")
