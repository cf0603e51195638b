"""Recorded requests and answers from files.

Two shapes are understood, each also gzipped:

* a *vcr cassette*: ``[{"request": {"method": "get", "url": "https://host/path?query"}, "response": {"status_code": 200,
  "headers": {…}, "body": "…"}}]``, whose body is served byte for byte;
* a *route table*: ``{"routes": {"/path": {"GET": [{"queryString": "…", "data": …, "headers": {…}}]}}}``, whose data is
  JSON already parsed by its recorder and is served as compact JSON with the digits of the file.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Pairs = tuple[tuple[str, str], ...]


class UnreadableCassette(ValueError):
    """The file is in none of the known shapes; the text names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded exchange of request and answer; ``query`` is sorted."""

    method: str
    path: str
    query: Pairs
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class _Number(float):
    """A JSON number that is written as it was read."""

    def __new__(cls, text: str) -> "_Number":
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    def __repr__(self) -> str:
        return self.text


def read_cassette(path: Path) -> list[Recorded]:
    """Everything recorded in a file. Raises UnreadableCassette."""
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        return list(_of_document(json.loads(text, parse_float=_Number)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableCassette(f"{path}: {error!r}") from error


def sorted_query(text: str) -> Pairs:
    """The pairs of a query string in an order of their own, so that theirs does not matter."""
    return tuple(sorted(parse_qsl(text, keep_blank_values=True)))


def _of_document(document: Any) -> Iterator[Recorded]:
    if isinstance(document, list):
        return map(_of_cassette, document)
    return _of_routes(document["routes"])


def _of_cassette(entry: dict[str, Any]) -> Recorded:
    request, response = entry["request"], entry["response"]
    url = urlsplit(request["url"])
    headers = {name.lower(): value for name, value in dict(response["headers"]).items()}
    content_type = headers.get("content-type", "application/json").partition(";")[0]
    kept = {name: value for name, value in headers.items() if name.startswith(("x-", "retry-after"))}
    return Recorded(
        request["method"].upper(), url.path, sorted_query(url.query), response["status_code"],
        response["body"].encode(), content_type, kept,
    )  # fmt: skip


def _of_routes(routes: dict[str, Any]) -> Iterator[Recorded]:
    for path, methods in routes.items():
        for method, entries in methods.items():
            for entry in entries:
                body = _json(entry["data"]).encode()
                yield Recorded(method.upper(), path, sorted_query(entry.get("queryString", "")), 200, body)


def _json(value: Any) -> str:
    """Compact JSON in which numbers keep their digits (``json.dumps`` would round them to doubles)."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_json(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return repr(value) if isinstance(value, _Number) else json.dumps(value)
