import json
from datetime import UTC, datetime

import pytest

from data_agent.cli.output import Output, duration_text, open_output

ROWS = [("binance", 4320, "99.98%"), ("okx", 72, "-")]
COLUMNS = ("exchange", "candles", "coverage")


def test_off_a_terminal_a_table_is_plain_aligned_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Output(is_json=False, is_terminal=False).table(COLUMNS, ROWS)
    assert capsys.readouterr().out.splitlines() == [
        "exchange  candles  coverage",
        "binance      4320    99.98%",
        "okx            72         -",
    ]


def test_a_table_without_rows_still_names_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    Output(is_json=False, is_terminal=False).table(COLUMNS, [])
    assert capsys.readouterr().out == "exchange  candles  coverage\n"


def test_on_a_terminal_a_table_shows_the_same_cells(capsys: pytest.CaptureFixture[str]) -> None:
    Output(is_json=False, is_terminal=True).table(COLUMNS, ROWS, title="[bold]not markup")
    shown = capsys.readouterr().out
    assert all(str(cell) in shown for row in ROWS for cell in row)


def test_with_json_standard_output_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(is_json=True, is_terminal=False)
    output.say("starting")
    output.table(COLUMNS, ROWS)
    output.facts({"API": "http://127.0.0.1:8000"})
    output.result({"rows": 2, "at": datetime(2026, 1, 1, tzinfo=UTC)})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"rows": 2, "at": "2026-01-01T00:00:00+00:00"}
    assert captured.err == "starting\n"


def test_captured_output_counts_as_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert not open_output(is_json=False).is_terminal


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (60, "1 min"), (61.4, "1 min 1 s"), (3_661, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_a_length_of_time_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
