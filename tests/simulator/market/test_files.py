"""Recordings in every shape found, written by the test itself; the real ones are in test_recordings."""

import gzip
import json
from pathlib import Path

import pyarrow
import pytest
from pyarrow import feather

from simulator.market.files import UnreadableRecording, read_recording

MS = 1_613_692_800_000


def one(path: Path):
    rows = read_recording(path)
    assert len(rows) == 1
    return rows[0]


def test_json_objects_gzipped(tmp_path: Path) -> None:
    path = tmp_path / "week.json.gz"
    row = {"close": "1.50", "high": "2.0", "low": "1", "open": "1.10000000", "openTimeInMillis": MS, "volume": "0"}
    path.write_bytes(gzip.compress(json.dumps([row]).encode()))
    assert one(path)[:6] == (MS, "1.10000000", "2.0", "1", "1.50", "0")


def test_json_arrays_with_bare_numbers_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "bare.json"
    path.write_text(f"[[{MS}, 0.12345678901234567890, 2.10, 1, 1.5, 3.0]]")
    assert one(path).open == "0.12345678901234567890"
    assert one(path).high == "2.10"


def test_csv_with_header_descending_duplicates_and_float_seconds(tmp_path: Path) -> None:
    path = tmp_path / "hours.csv"
    path.write_text(
        "Unix Timestamp,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USD\n"
        "1605855600.0,2020-11-20 07-AM,BTCUSD,1,3,1,2.50,5.301,96406.44\n"
        "1605852000.0,2020-11-20 06-AM,BTCUSD,1,3,1,2,7,8\n"
        "1605855600.0,2020-11-20 07-AM,BTCUSD,9,9,9,9,9,9\n"
    )
    rows = read_recording(path)
    assert [row.open_time for row in rows] == [1605852000000, 1605855600000]
    assert rows[1][1:7] == ("1", "3", "1", "2.50", "5.301", "96406.44")


def test_csv_with_iso_times(tmp_path: Path) -> None:
    path = tmp_path / "hours.csv"
    path.write_text("date_open,open,high,low,close,volume,date_close\n2021-02-19 00:00:00,1,2,1,1.5,0.250,x\n")
    assert one(path)[:6] == (MS, "1", "2", "1", "1.5", "0.250")


@pytest.mark.parametrize("time", [str(MS), str(MS * 1000), str(MS // 1000)])
def test_csv_without_header_in_any_unit_of_time(tmp_path: Path, time: str) -> None:
    path = tmp_path / "plain.csv"
    path.write_text(f"{time},1,2,1,1.5,3\n")
    assert one(path).open_time == MS


def test_feather_prices_are_the_shortest_decimals(tmp_path: Path) -> None:
    path = tmp_path / "perp.feather"
    dates = pyarrow.array([MS * 1_000_000], pyarrow.timestamp("ns", "UTC"))
    prices = {"open": [87593.0], "high": [87604.1], "low": [0.00001], "close": [1e-7], "volume": [0.1 + 0.2]}
    feather.write_feather(pyarrow.table({"date": dates, **prices}), path)
    assert one(path)[:6] == (MS, "87593.0", "87604.1", "0.00001", "0.0000001", "0.30000000000000004")


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.txt", "1"), ("x.json", "{"), ("x.csv", "1,NaN,1,1,1,1\n"), ("x.json", "[]"), ("x.csv", "1,abc,1,1,1,1\n")],
)
def test_other_files_are_refused_by_name(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(UnreadableRecording, match=name):
        read_recording(path)
    with pytest.raises(UnreadableRecording, match="absent"):
        read_recording(tmp_path / "absent.csv")
