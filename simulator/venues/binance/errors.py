"""Errors of Binance spot: HTTP status, code and message as in its published "Errors" document."""

import json

from simulator.venues.base import Answer, Refused


def error(status: int, code: int, message: str) -> Answer:
    """``{"code":-1121,"msg":"Invalid symbol."}``"""
    return Answer(status, json.dumps({"code": code, "msg": message}, separators=(",", ":")).encode())


def refused(code: int, message: str) -> Refused:
    """An error of the request."""
    return Refused(error(400, code, message))


def missing(name: str) -> Refused:
    """-1102 for a mandatory parameter."""
    return refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, legal: str) -> Refused:
    """-1100; ``legal`` is the regular expression the parameter should match."""
    return refused(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def unread(read: int, sent: int) -> Refused:
    """-1104: parameters the endpoint does not know."""
    return refused(-1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.")


def duplicated() -> Refused:
    """-1101: a parameter came twice."""
    return refused(-1101, "Duplicate values for a parameter detected.")


def invalid_interval() -> Refused:
    """-1120."""
    return refused(-1120, "Invalid interval.")


def invalid_symbol() -> Refused:
    """-1121."""
    return refused(-1121, "Invalid symbol.")


def bad_combination() -> Refused:
    """-1128."""
    return refused(-1128, "Combination of optional parameters invalid.")


def invalid_value(name: str) -> Refused:
    """-1130."""
    return refused(-1130, f"Data sent for parameter '{name}' is not valid.")


def too_much_weight(limit: int) -> Answer:
    """-1003 over the limit."""
    return error(
        429, -1003,
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
    )  # fmt: skip


def banned(until_ms: int) -> Answer:
    """-1003 inside a ban."""
    return error(
        418, -1003,
        f"Way too much request weight used; IP banned until {until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
    )  # fmt: skip
