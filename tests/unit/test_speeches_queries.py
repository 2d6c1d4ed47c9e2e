"""The study's SQL gives means and the intervals of a mean over addresses."""

import math

import duckdb
import pytest

from headrace import plan as plans
from headrace import questions

SPEECHES = plans.load("speeches")
ROWS = [
    # year, president, party, sentiment: three addresses of the 1790s, one of the 1800s
    (1790, "A", "none", 0.0),
    (1790, "A", "none", 0.5),
    (1791, "A", "none", 1.0),
    (1799, "B", "Whig", -0.5),
    (1801, "B", "Whig", 0.25),
]


def answer(name: str) -> list[tuple[object, ...]]:
    query = next(q for q in SPEECHES.study.stages if q.name == name)
    with duckdb.connect() as engine:
        engine.execute(
            "CREATE TABLE sentences"
            " (year BIGINT, president VARCHAR, party VARCHAR, sentiment DOUBLE)"
        )
        engine.executemany("INSERT INTO sentences VALUES (?, ?, ?, ?)", ROWS)
        return engine.execute(questions.sql_of(SPEECHES, query)).fetchall()


def half_width(addresses: list[list[float]]) -> float:
    """1.96 standard errors of a ratio of sums over clusters, written out."""
    n = sum(len(a) for a in addresses)
    mean = sum(map(sum, addresses)) / n
    squares = sum((sum(a) - len(a) * mean) ** 2 for a in addresses)
    return 1.96 * math.sqrt(squares * len(addresses) / (len(addresses) - 1)) / n


def test_mood_by_decade() -> None:
    first, second = answer("mood_by_decade")
    half = half_width([[0.0, 0.5], [1.0], [-0.5]])
    assert first == (1790, 0.25, pytest.approx(0.25 - half), pytest.approx(0.25 + half), 4, 3)
    assert second == (1800, 0.25, None, None, 1, 1)  # one address says nothing of the spread


def test_mood_by_party() -> None:
    best, worst = answer("mood_by_party")
    half = half_width([[0.0, 0.5], [1.0]])
    assert best == ("none", 0.5, pytest.approx(0.5 - half), pytest.approx(0.5 + half), 3, 2)
    assert worst[:2] == ("Whig", -0.125)
