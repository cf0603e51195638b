import gzip
import json
from pathlib import Path

import pytest

from simulator.static.cassettes import UnreadableCassette, read_cassette
from simulator.static.server import Shelf

CASSETTE = [
    {
        "request": {"method": "get", "url": "https://host/api/v3/klines?symbol=BTCUSDT&interval=1m"},
        "response": {
            "status_code": 400,
            "body": '{"code":-1121, "msg":"Invalid symbol."}',
            "headers": {"Content-Type": "application/json;charset=UTF-8", "x-mbx-used-weight": "22", "Date": "x"},
        },
    }
]
ROUTES = """{"routes": {"/api/v3/depth": {"GET": [
    {"queryString": "limit=5", "data": {"price": 0.12345678901234567890, "text": "1.10", "list": [1.10, null, true]}},
    {"queryString": "limit=5&symbol=X", "data": []}]}}}"""


def test_cassettes_keep_the_body_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "error.json"
    path.write_text(json.dumps(CASSETTE))
    [recorded] = read_cassette(path)
    assert (recorded.method, recorded.path, recorded.status) == ("GET", "/api/v3/klines", 400)
    assert recorded.body == b'{"code":-1121, "msg":"Invalid symbol."}'
    assert (recorded.content_type, recorded.headers) == ("application/json", {"x-mbx-used-weight": "22"})


def test_route_tables_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "http.json.gz"
    path.write_bytes(gzip.compress(ROUTES.encode()))
    body = read_cassette(path)[0].body
    assert body == b'{"price":0.12345678901234567890,"text":"1.10","list":[1.10,null,true]}'


@pytest.mark.parametrize("content", ["nonsense", "{}", "[1]", '[{"request": {}}]'])
def test_other_files_are_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(UnreadableCassette, match=r"other\.json"):
        read_cassette(path)


@pytest.fixture
def recorded(tmp_path: Path):
    path = tmp_path / "routes.json"
    path.write_text(ROUTES)
    return read_cassette(path)


@pytest.mark.parametrize(
    ("match", "query", "found"),
    [
        ("exact", "limit=5", 0),
        ("exact", "symbol=X&limit=5", 1),
        ("exact", "limit=5&timestamp=1", 0),
        ("exact", "limit=6", None),
        ("subset", "limit=5&more=1", 0),
        ("subset", "more=1&symbol=X&limit=5", 1),
        ("subset", "limit=6", None),
        ("path", "limit=6", 0),
    ],
)
def test_matching(recorded, match: str, query: str, found: int | None) -> None:
    shelf = Shelf(recorded, match, ["timestamp"])
    assert shelf.find("GET", "/api/v3/depth", query) == (None if found is None else recorded[found])
    assert shelf.find("POST", "/api/v3/depth", query) is None
    assert shelf.find("GET", "/api/v3/other", query) is None
