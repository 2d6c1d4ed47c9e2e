"""The demo, as `make demo` runs it: last lines, ledger, chart; and a second time, nothing twice."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pyarrow.parquet as pq
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
    assert row == {"years": 231, "first": 1790, "last": 2021, "mood": 0.225}


def test_a_second_demo_lands_nothing_twice(ran: tuple[House, list[str]]) -> None:
    house, _ = ran
    again = house.facts("demo")
    assert again["pushed_now"] == RECORDS
    total = again["ledger"]["total"]
    assert (total["pushed"], total["resent"], total["rows"]) == (RECORDS, RECORDS, RECORDS)
    done = house.headrace("ledger", "speeches", "--check", "--json")
    assert json.loads(done.stdout)["balanced"]


def test_status_sees_the_study_and_its_mappings(ran: tuple[House, list[str]]) -> None:
    house, _ = ran
    (speeches,) = [s for s in house.facts("status")["studies"] if s["study"] == "speeches"]
    assert (speeches["data"], speeches["flow"]) == ("CREATE_COMPLETE", "CREATE_COMPLETE")
    assert [(m["function"], m["state"]) for m in speeches["mappings"]] == [
        ("land", "Enabled"),
        ("commit", "Enabled"),
    ]


def test_answers_come_in_every_format(ran: tuple[House, list[str]]) -> None:
    house, _ = ran
    sql = "SELECT party, count(*) AS n, min(year) AS first FROM sentences GROUP BY party ORDER BY n"
    words = ("query", "speeches", sql)
    assert house.headrace(*words, "--format", "csv").stdout.splitlines()[:2] == [
        "party,n,first",
        "Federalist,187,1797",
    ]
    as_json = json.loads(house.headrace(*words, "--format", "json").stdout)
    assert as_json[0] == {"party": "Federalist", "n": 187, "first": 1797}
    house.headrace(*words, "--out", "answer.parquet")
    assert pq.read_table(house.root / "answer.parquet").to_pylist() == as_json
    shown = house.headrace(*words).stdout.splitlines()
    assert shown[0].split() == ["party", "n", "first"]
    assert shown[-1].split() == ["Republican", "28,820", "1861"]


def test_a_wrong_query_says_why(ran: tuple[House, list[str]]) -> None:
    house, _ = ran
    done = house.headrace("query", "speeches", "SELECT mood FROM sentences", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("headrace: While running query")
    assert "'mood' cannot be resolved" in done.stderr


def test_bad_lines_are_quarantined_and_the_books_still_balance(
    ran: tuple[House, list[str]],
) -> None:
    house, _ = ran
    before = house.facts("ledger", "speeches")["total"]
    good = {"year": 2099, "president": "N", "party": "none", "position": 0, "text": "Good."}
    lines = [json.dumps(good), "not JSON", json.dumps(good | {"year": "2099"})]
    (house.root / "bad.jsonl").write_text("\n".join(lines) + "\n")
    house.headrace("push", "speeches", "bad.jsonl", "--wait")
    after = house.facts("ledger", "speeches")
    grown = {
        name: after["total"][name] - before[name] for name in ("pushed", "rows", "quarantined")
    }
    assert grown == {"pushed": 3, "rows": 1, "quarantined": 2}
    assert len(after["reasons"]) == 2
    assert after["balanced"]


def test_csv_and_standard_input_are_pushed_too(ran: tuple[House, list[str]]) -> None:
    house, _ = ran
    (house.root / "two.csv").write_text(
        'year,president,party,position,text\n2098,N,none,0,"Well, good."\n2098,N,none,1,Bad.\n'
    )
    house.headrace("push", "speeches", "two.csv", "--plain", "--wait")
    line = {"year": 2098, "president": "N", "party": "none", "position": 2, "text": "So so."}
    house.headrace("push", "speeches", "-", "--wait", input=json.dumps(line) + "\n")
    sql = "SELECT position, text FROM sentences WHERE year = 2098 ORDER BY position"
    rows = house.facts("query", "speeches", sql)["rows"]
    assert [r["text"] for r in rows] == ["Well, good.", "Bad.", "So so."]


def test_the_tool_only_wraps(ran: tuple[House, list[str]]) -> None:
    """A bare `cdk deploy` with what `env` prints finds nothing to change."""
    house, _ = ran
    done = subprocess.run(
        ["node_modules/.bin/cdk", "deploy", "--all", "-c", "study=speeches", "--ci"],
        cwd=house.root,
        env=house.environment,
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("(no changes)") == 2
