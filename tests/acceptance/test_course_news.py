"""Sentiment against human raters: r = 0.5029 over 5,190 snippets of the New York Times."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.acceptance.conftest import PROJECT, House

ARCHIVE = PROJECT.parent / "shared" / "data" / "news" / "hutto_ICWSM_2014.tar.gz"
pytestmark = pytest.mark.skipif(not ARCHIVE.is_file(), reason="the course's data are not here")


@pytest.fixture(scope="module")
def news(house: House) -> House:
    """The study deployed, its records pushed as the README says."""
    house.headrace("deploy", "news")
    command = [sys.executable, "-m", "studies.news.records", str(ARCHIVE)]
    written = subprocess.run(
        command, cwd=house.root, env=house.environment, text=True, capture_output=True, check=True
    )
    house.headrace("push", "news", "-", "--wait", input=written.stdout)
    return house


def rows(house: House, sql: str) -> list[dict[str, Any]]:
    # Behind `--`: the study's own queries begin with a comment.
    done = house.headrace("query", "news", "--json", "--", sql)
    found: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return found


def test_the_score_agrees_with_the_raters_by_half(news: House) -> None:
    sql = (PROJECT / "studies" / "news" / "queries" / "agreement.sql").read_text()
    (row,) = rows(news, sql)
    assert (round(row["r"], 4), row["n"]) == (0.5029, 5190)
    assert (round(row["r_low"], 2), round(row["r_high"], 2)) == (0.48, 0.52)


def test_all_snippets_landed_once(news: House) -> None:
    ledger = news.facts("ledger", "news")
    total = ledger["total"]
    assert (total["pushed"], total["rows"], total["quarantined"]) == (5190, 5190, 0)
    assert ledger["balanced"]
    sql = "SELECT count(DISTINCT id) AS ids, min(rating) AS low, max(rating) AS high FROM snippets"
    assert rows(news, sql) == [{"ids": 5190, "low": -2.8, "high": 2.8}]


def test_the_better_a_sentence_is_rated_the_better_it_scores(news: House) -> None:
    sql = (PROJECT / "studies" / "news" / "queries" / "calibration.sql").read_text()
    found = rows(news, sql)
    common = [row["sentiment"] for row in found if row["sentences"] >= 50]
    assert len(common) >= 5
    assert common == sorted(common)
