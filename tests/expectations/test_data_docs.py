"""The report's pages: nothing from elsewhere, a label where it is due, a short history."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from expectations.data_docs import forget_old_runs, localise, publish_pages

# As Great Expectations 1.24 writes them.
PAGE = """<!DOCTYPE html>
<html>
  <head>
    <title>Data documentation compiled by Great Expectations</title>
    <link rel="stylesheet" href="https://maxcdn.bootstrapcdn.com/bootstrap/4.3.1/css/bootstrap.min.css"/>
    <link rel="stylesheet" type="text/css" href="https://unpkg.com/bootstrap-table@1.19.0/dist/filter-control.css">
    <style>.logo { background: url('https://great-expectations-web-assets.s3.us-east-2.amazonaws.com/full_logo_dark.png') 0 0 no-repeat; }</style>
    <script src="https://cdn.jsdelivr.net/npm/vega@5"></script>
    <script src="https://stackpath.bootstrapcdn.com/bootstrap.min.js" integrity="sha384-J" crossorigin="anonymous"></script>
    <link rel="shortcut icon" href="../../static/images/favicon.ico" type="image/x-icon"/>
  </head>
  <body>
    <img src="https://great-expectations-web-assets.s3.us-east-2.amazonaws.com/logo-long.png?d=20261122T112110.131865Z" />
    <a href="https://greatexpectations.io">Great Expectations</a>
    <script>$("table").bootstrapTable({});</script>
    <footer><p>Stay current with our newsletter</p></footer>
  </body>
</html>
"""  # noqa: E501


def test_every_load_from_elsewhere_is_replaced_or_gone() -> None:
    page = localise(PAGE, depth=2, is_simulated=False)
    assert "https://" not in page.replace('<a href="https://greatexpectations.io">', "")
    assert '<img src="../../static/logo-long.png" />' in page
    assert "url('../../static/logo-long.png')" in page
    assert '<link rel="stylesheet" href="../../static/data_docs.css">' in page
    assert page.index("data_docs.js") < page.index("bootstrapTable")
    assert "newsletter" not in page


@pytest.mark.parametrize("is_simulated", [True, False])
def test_simulated_data_are_labelled(is_simulated: bool) -> None:
    assert ("Simulated data" in localise(PAGE, depth=0, is_simulated=is_simulated)) is is_simulated


def test_pages_are_served_whole_with_their_assets_and_go_when_they_are_gone(tmp_path: Path) -> None:
    raw, served = tmp_path / "raw", tmp_path / "served"
    old = raw / "validations" / "candles" / "run-1" / "page.html"
    for page in (raw / "index.html", old):
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(PAGE)
    publish_pages(raw, served, is_simulated=True)
    names = {path.relative_to(served).as_posix() for path in served.rglob("*") if path.is_file()}
    assert names == {
        "index.html", "validations/candles/run-1/page.html", "static/data_docs.css", "static/data_docs.js",
    }  # fmt: skip
    assert "../../../static/data_docs.js" in (served / "validations/candles/run-1/page.html").read_text()

    old.unlink()
    (raw / "index.html").write_text(PAGE.replace("compiled", "written"))
    os.utime(raw / "index.html", ns=(2**62, 2**62))
    publish_pages(raw, served, is_simulated=True)
    assert "written by" in (served / "index.html").read_text()
    assert not (served / "validations").exists()


def test_the_oldest_runs_are_forgotten(tmp_path: Path) -> None:
    for age, run in enumerate(["newest", "middle", "oldest"]):
        for directory in (tmp_path / "results" / "candles" / run, tmp_path / "site" / "validations" / "candles" / run):
            directory.mkdir(parents=True)
            os.utime(directory, ns=(10**18 - age, 10**18 - age))
    forget_old_runs(tmp_path, keep=2)
    for root in (tmp_path / "results", tmp_path / "site" / "validations"):
        assert {run.name for run in (root / "candles").iterdir()} == {"newest", "middle"}


def test_a_first_run_has_nothing_to_forget(tmp_path: Path) -> None:
    forget_old_runs(tmp_path)
