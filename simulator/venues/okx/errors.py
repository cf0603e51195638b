"""Errors of OKX: HTTP status, code and message as in its published "Error Code" tables."""

import json

from simulator.venues.base import Answer, Refused


def error(status: int, code: str, message: str) -> Answer:
    """``{"code":"51001","msg":"…","data":[]}``"""
    return Answer(status, json.dumps({"code": code, "msg": message, "data": []}, separators=(",", ":")).encode())


def bad_parameter(name: str) -> Refused:
    """51000."""
    return Refused(error(400, "51000", f"Parameter {name} error"))


def empty_parameter(name: str) -> Refused:
    """50014."""
    return Refused(error(400, "50014", f"Parameter {name} can not be empty."))


def unknown_instrument() -> Refused:
    """51001, with HTTP status 200."""
    return Refused(error(200, "51001", "Instrument ID, Instrument ID code or Spread ID doesn't exist."))


def too_many_requests() -> Answer:
    """The gateway's own refusal, without the data field of the others."""
    return Answer(429, b'{"msg":"Too Many Requests","code":"50011"}')


def not_found() -> Answer:
    """What the gateway says of a path it does not know."""
    return Answer(
        404,
        b'{"code":404,"data":{},"detailMsg":"","error_code":"404","error_message":"Not Found","msg":"Not Found"}',
    )
