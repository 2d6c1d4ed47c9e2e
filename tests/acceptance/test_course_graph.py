"""Wikipedia's votes through the whole house: PageRank, components and triangles by Spark."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.acceptance.conftest import PROJECT, House

VOTES = PROJECT.parent / "shared" / "data" / "graph" / "wiki-Vote.txt"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not VOTES.is_file(), reason="the course's data are not here"),
]


@pytest.fixture(scope="module")
def votes(house: House) -> House:
    """The study deployed and run, its file uploaded as the README says."""
    house.headrace("deploy", "votes")
    house.headrace("upload", "votes", "votes", str(VOTES))
    house.headrace("run", "votes")
    return house


def rows(house: House, sql: str) -> list[dict[str, Any]]:
    # Behind `--`: the study's own queries begin with a comment.
    done = house.headrace("query", "votes", "--json", "--", sql)
    found: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return found


def test_the_three_of_the_highest_pagerank(votes: House) -> None:
    sql = (PROJECT / "studies" / "votes" / "queries" / "trusted.sql").read_text()
    found = rows(votes, sql)
    assert [(r["editor"], round(r["pagerank"], 9)) for r in found[:3]] == [
        (4037, 0.004612716),
        (15, 0.003681221),
        (6634, 0.003524814),
    ]
    assert [r["rank_by_pagerank"] for r in found] == list(range(1, 21))


def test_every_editor_and_every_vote_is_there(votes: House) -> None:
    sql = "SELECT count(*) AS editors, sum(in_degree) AS votes, sum(pagerank) AS whole FROM editors"
    (row,) = rows(votes, sql)
    assert (row["editors"], row["votes"]) == (7115, 103_689)
    assert row["whole"] == pytest.approx(1)


def test_components_and_triangles(votes: House) -> None:
    sql = (PROJECT / "studies" / "votes" / "queries" / "components.sql").read_text()
    found = rows(votes, sql)
    largest = {
        kind: max(r["size"] for r in found if r["kind"] == kind) for kind in ("weak", "strong")
    }
    assert largest == {"weak": 7066, "strong": 1300}
    assert sum(r["size"] * r["components"] for r in found if r["kind"] == "weak") == 7115
    (row,) = rows(votes, "SELECT sum(triangles) AS corners FROM editors")
    assert row["corners"] == 3 * 608_389


def test_the_largest_strong_component_holds_more_than_its_share(votes: House) -> None:
    sql = (PROJECT / "studies" / "votes" / "queries" / "circles.sql").read_text()
    found = {r["circle"]: r for r in rows(votes, sql)}
    inside = found["largest strong component"]
    assert inside["editors"] == 1300
    assert inside["share_of_pagerank"] > 2 * inside["share_of_editors"]
    assert sum(r["share_of_pagerank"] for r in found.values()) == pytest.approx(1)
