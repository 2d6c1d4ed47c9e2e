"""The page: what it says, that it is whole, and that nothing in it can do harm."""

import dataclasses
import datetime
import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa

from headrace import plan as plans
from headrace import questions, report
from headrace.ledger import Ledger, Line
from headrace.place import Place
from headrace.questions import Asked
from headrace.sql import Answer
from headrace.stuck import Stuck
from headrace.study import Query

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SPEECHES = plans.load("speeches")
WHEN = datetime.datetime(2026, 11, 22, 10, 0, tzinfo=datetime.UTC)
LAPTOP = Place("local", "123456789012", "us-east-1")
BOOKS = Ledger([Line("shardId-0", 62982, 10, 62981, 1)], {"not JSON: <b>": 1}, Stuck())
DECADES = pa.table(
    {
        "decade": [1790, 1800, 1810],
        "mood": [0.3, None, 0.2],
        "mood_low": [0.2, None, 0.1],
        "mood_high": [0.4, None, 0.3],
        "sentences": [1790, 20000, 3],
    }
)


def asked(rows: pa.Table = DECADES, chart: str = "line", name: str = "mood", **words: str) -> Asked:
    query = Query(name, "SELECT 1 < 2", chart=chart, draw=["mood"], **words)  # type: ignore[arg-type]
    return Asked(query, query.sql, Answer("q-1", rows, 1234, 5))


def test_a_table_is_the_golden_one() -> None:
    rows = pa.table({"party": ["Whig & <b>", None], "mood": [0.25, None], "sentences": [1071, 2]})
    assert report.html_table(rows, "A caption > 1") + "\n" == (GOLDEN / "table.html").read_text()


def test_the_ledger_is_the_golden_one() -> None:
    assert report.ledger_html(BOOKS) + "\n" == (GOLDEN / "ledger.html").read_text()


class Page(HTMLParser):
    """Collects tags that are open, and every address that a browser would fetch."""

    void = {"meta", "link", "br", "img", "hr", "input"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.ids: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in self.void:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("src", "href", "xlink:href") and not str(value).startswith("#"):
                self.fetched.append(str(value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.void:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing() -> None:
    two = [asked(title="A & B"), asked(chart="bar", name="bars")]
    text = report.page(SPEECHES, LAPTOP, BOOKS, two, WHEN)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.fetched == []
    assert "script" not in page.seen
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"@import|url\((?!#)", text)
    for words in (
        SPEECHES.study.question,
        "22 November 2026, 10:00 UTC",
        "account 123456789012, us-east-1",
        "A &amp; B",
        "SELECT 1 &lt; 2",
        "62,982",
        "not JSON: &lt;b&gt;",
        "1,234 bytes scanned",
    ):
        assert words in text


def test_a_long_answer_says_what_it_leaves_out() -> None:
    rows = pa.table({"n": list(range(report.MOST_ROWS + 5))})
    text = report.query_html(asked(rows, chart="table"))
    assert text.count("<tr>") == report.MOST_ROWS + 1
    assert "5 more are not shown" in text


def test_the_report_is_written_with_a_picture_of_each_chart(tmp_path: Path) -> None:
    into = tmp_path / "out"
    written = report.write(SPEECHES, LAPTOP, BOOKS, [asked(), asked(chart="table")], WHEN, into)
    assert [p.name for p in written] == ["report.html", "mood.png"]
    assert written[1].read_bytes().startswith(b"\x89PNG")
    assert written[0].read_text().startswith("<!doctype html>")


def test_sql_comes_from_the_file_or_the_study() -> None:
    told = dataclasses.replace(SPEECHES.study, stages=[Query("q", "SELECT 1")])
    assert questions.sql_of(plans.plan_of(told), told.stages[0]) == "SELECT 1"
    assert "FROM sentences" in questions.sql_of(SPEECHES, SPEECHES.study.stages[0])
