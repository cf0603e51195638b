"""The one tree of what the API may answer instead of data, as problem details (RFC 9457).

Problem
├── BadParameter            422  a parameter cannot be read, or contradicts another; `field` names it
│   ├── UnknownParameter    422  no such parameter here
│   ├── UnknownTimeframe    422  no such timeframe
│   ├── BadCursor           422  not a cursor of ours, or of another query
│   └── VersionsNotKept     422  `as_of` of built candles
├── UnknownResource         404  no such page
│   ├── UnknownExchange     404
│   ├── UnknownSymbol       404
│   ├── UnknownSeries       404  the instrument is known, this series of it is not collected
│   └── UnknownCandle       404  the series is known, this candle is not
├── MethodNotAllowed        405
├── QualityTooLow           409  the data asked for are below the `min_quality` asked for
├── InternalFault           500  our fault; logged, nothing leaks
└── StoreAway               503  PostgreSQL does not answer (in time); try again
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar, Final

from fastapi import Response
from msgspec import json
from pydantic import BaseModel, Field

MEDIA_TYPE: Final = "application/problem+json"


class Problem(Exception):
    """Something the caller is told instead of data.

    Attributes:
        status: the HTTP status.
        slug: names the kind; the problem's `type` is `/problems#<slug>`.
        title: the kind in words; `detail` is this occurrence.
        field: the parameter at fault, if one is.
        near_matches: what the caller may have meant.
        members: further members of the answer.
        headers: further headers of the answer.
    """

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        near_matches: Sequence[str] = (),
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.near_matches = list(near_matches)
        self.members = dict(members or {})
        self.headers = dict(headers or {})

    def response(self, instance: str) -> Response:
        """The answer to the request for `instance` (its path)."""
        body: dict[str, Any] = {
            "type": f"/problems#{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
        }
        if self.field is not None:
            body["field"] = self.field
        if self.near_matches:
            body["near_matches"] = self.near_matches
        return Response(json.encode(body | self.members), self.status, self.headers, MEDIA_TYPE)


class BadParameter(Problem):
    """A parameter cannot be read, is out of range or contradicts another."""

    status, slug, title = 422, "bad-parameter", "A parameter is wrong"


class UnknownParameter(BadParameter):
    """The request has a parameter that this route does not know. It is refused, since a typo would be ignored."""

    slug, title = "unknown-parameter", "No such parameter"


class UnknownTimeframe(BadParameter):
    """No candle of this length is collected anywhere."""

    slug, title = "unknown-timeframe", "No such timeframe"


class BadCursor(BadParameter):
    """The cursor was not made by this API, or for another query than this one."""

    slug, title = "bad-cursor", "The cursor does not fit"


class VersionsNotKept(BadParameter):
    """Built candles are made anew from one-minute candles; what they were earlier is not kept."""

    slug, title = "versions-not-kept", "Earlier versions of built candles are not kept"


class UnknownResource(Problem):
    """There is nothing at this address."""

    status, slug, title = 404, "not-found", "Nothing is here"


class UnknownExchange(UnknownResource):
    """No data of this exchange are collected."""

    slug, title = "unknown-exchange", "No such exchange"


class UnknownSymbol(UnknownResource):
    """The exchange has no instrument of this name, as far as we were told."""

    slug, title = "unknown-symbol", "No such symbol"


class UnknownSeries(UnknownResource):
    """The instrument is known, but these candles of it are not collected."""

    slug, title = "unknown-series", "This series is not collected"


class UnknownCandle(UnknownResource):
    """No version of this candle was ever seen."""

    slug, title = "unknown-candle", "No such candle"


class MethodNotAllowed(Problem):
    """The address exists, the method does not."""

    status, slug, title = 405, "method-not-allowed", "This method is not allowed"


class QualityTooLow(Problem):
    """What would have been served is below the `min_quality` the caller insists on."""

    status, slug, title = 409, "quality-too-low", "The data are below the quality asked for"


class InternalFault(Problem):
    """A fault of ours. It is logged with the request; the answer tells nothing of the inside."""

    status, slug, title = 500, "internal-fault", "Something went wrong on our side"


class StoreAway(Problem):
    """The database does not answer, or not in time. Nothing is wrong with the request: repeat it."""

    status, slug, title = 503, "store-away", "The store does not answer"

    def __init__(self, detail: str = "The database does not answer in time; try again in a moment.") -> None:
        super().__init__(detail, headers={"Retry-After": "2"})


class ProblemDetails(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field(description="names the kind of problem; a link to its explanation")
    title: str
    status: int
    detail: str
    instance: str = Field(description="the path that was asked for")
    field: str | None = Field(None, description="the parameter at fault")
    near_matches: list[str] | None = Field(None, description="what may have been meant")


def declared(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The problems a route may answer with, for OpenAPI; those every route shares are added."""
    by_status: dict[int, list[type[Problem]]] = {}
    every: tuple[type[Problem], ...] = (*problems, InternalFault, StoreAway)
    for problem in every:
        by_status.setdefault(problem.status, []).append(problem)
    return {
        status: {
            "description": " · ".join(f"{kind.title} (`{kind.slug}`)" for kind in of_status),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
        for status, of_status in sorted(by_status.items())
    }


def kinds() -> list[type[Problem]]:
    """Every kind of problem, by status and name."""
    found: list[type[Problem]] = []
    waiting = Problem.__subclasses__()
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return sorted(found, key=lambda kind: (kind.status, kind.slug))


def near_matches(word: str, known: Collection[str]) -> list[str]:
    """What may have been meant by `word`, best first, at most five. Letter case and separators do not count."""
    folded: dict[str, str] = {}
    for name in sorted(known):
        folded.setdefault(_fold(name), name)
    return [folded[match] for match in get_close_matches(_fold(word), folded, n=5, cutoff=0.5)]


def _fold(word: str) -> str:
    return "".join(character for character in word[:64].casefold() if character.isalnum())
