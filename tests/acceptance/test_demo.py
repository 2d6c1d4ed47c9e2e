"""The demo, as `make demo` runs it: last lines, ledger, chart; and a second time, nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import House, build

RECORDS = 62_982  # sentences of the corpus: tests/unit/test_speeches_records.py holds it


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, list[str]]]:
    """A project where the demo ran once, and what it printed."""
    house = build(tmp_path_factory.mktemp("demo"))
    try:
        yield house, house.headrace("demo").stdout.splitlines()
    finally:
        house.headrace("down", check=False)


def test_the_last_lines_say_what_was_pushed_and_where_the_chart_is(
    ran: tuple[House, list[str]],
) -> None:
    house, printed = ran
    last = dict(line.split(maxsplit=1) for line in printed[-6:])
    assert (last["pushed"], last["rows"], last["quarantined"]) == ("62,982", "62,982", "0")
    assert printed[-6].startswith("pushed")
    chart = house.root / "out" / "speeches" / "mood_by_decade.png"
    assert any(line.split()[-1] == "out/speeches/mood_by_decade.png" for line in printed[-6:])
    assert chart.read_bytes().startswith(b"\x89PNG")
    assert "62,982" in (house.root / "out" / "speeches" / "report.html").read_text()


def test_the_lake_answers_the_question(ran: tuple[House, list[str]]) -> None:
    house, _ = ran
    sql = "SELECT count(DISTINCT year) AS years, min(year) AS first, max(year) AS last,"
    sql += " round(avg(sentiment), 3) AS mood FROM sentences"
    (row,) = house.facts("query", "speeches", sql)["rows"]
    assert row == {"years": 231, "first": 1790, "last": 2021, "mood": 0.223}


def test_a_second_demo_lands_nothing_twice(ran: tuple[House, list[str]]) -> None:
    house, _ = ran
    again = house.facts("demo")
    assert again["pushed_now"] == RECORDS
    total = again["ledger"]["total"]
    assert (total["pushed"], total["resent"], total["rows"]) == (RECORDS, RECORDS, RECORDS)
    done = house.headrace("ledger", "speeches", "--check", "--json")
    assert json.loads(done.stdout)["balanced"]
