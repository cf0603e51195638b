import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from data_agent.core.logging import REDACTED, configure_logging, get_logger, redact_text


@pytest.fixture(autouse=True)
def _restore() -> object:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_every_line_is_json_and_names_its_process(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(process="api")
    get_logger("data_agent.test").info("page_written", venue="binance", count_rows=3)
    logging.getLogger("somebody.else").warning("plain %s", "words")
    ours, theirs = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert ours | {"event": "page_written", "venue": "binance", "count_rows": 3, "process": "api"} == ours
    assert (theirs["event"], theirs["level"], theirs["process"]) == ("plain words", "warning", "api")


def test_no_secret_reaches_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    logger = get_logger("t")
    logger.info("opened", api_key="AAAA1111", url="postgresql://me:hunter2@host/db")
    logger.info("asked https://x/y?apiKey=AAAA1111&signature=hunter2")
    try:
        raise ValueError("password=hunter2 refused")
    except ValueError:
        logger.exception("failed")
    text = capsys.readouterr().err
    assert "AAAA1111" not in text
    assert "hunter2" not in text
    assert text.count(REDACTED) >= 4


@given(st.text("abcdefghijklmnop0123456789", min_size=8, max_size=30))
def test_a_password_in_a_url_is_blanked_wherever_it_stands(password: str) -> None:
    assert password not in redact_text(f"cannot reach redis://:{password}@localhost:6379/0, retrying")
