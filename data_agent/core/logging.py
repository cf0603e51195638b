"""Logging: JSON lines on standard error through structlog, with no secret in them."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

# What a key may be called, in any spelling; matched anywhere in a log key or a URL's query.
_WORDS: Final = "api[_-]?key|secret|password|passphrase|token|signature"
_SECRET_KEY: Final = re.compile(rf"({_WORDS}|authorization)", re.IGNORECASE)
_SECRET_IN_TEXT: Final = re.compile(rf"((?:{_WORDS})\s*[=:]\s*)[^\s&\"',;]+", re.IGNORECASE)
_URL_PASSWORD: Final = re.compile(r"(\w+://[^\s:/@]*:)[^\s@/]+@")
REDACTED: Final = "[redacted]"


def redact_text(text: str) -> str:
    """Blank what looks like a secret inside free text: passwords of URLs, `key=value` pairs with telling names."""
    return _SECRET_IN_TEXT.sub(rf"\1{REDACTED}", _URL_PASSWORD.sub(rf"\1{REDACTED}@", text))


def _redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if _SECRET_KEY.search(key):
            event[key] = REDACTED
        elif isinstance(value, str):
            event[key] = redact_text(value)
    return event


def configure_logging(level: str = "INFO", *, process: str = "") -> None:
    """Send structlog and the standard library's logging to standard error as JSON lines.

    Args:
        level: a standard level name.
        process: written into every line as `process`, to tell the children of the supervisor apart.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if process:
        structlog.contextvars.bind_contextvars(process=process)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose first argument is an event name and whose keywords are its facts."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
