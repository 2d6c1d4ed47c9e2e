"""The programs of tasks/mpi on one rank, in this process: what they compute, and refuse."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mpi4py import MPI

from tasks.mpi.program import Program, ProgramError, arguments, run

LIVES, WEEKS = 7, 40


@pytest.fixture
def shocks(tmp_path: Path) -> np.ndarray[Any, Any]:
    """A matrix that lies in the input."""
    drawn = np.random.default_rng(5).normal(size=(WEEKS, LIVES))
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "shocks.npy", drawn)
    return drawn


def given(folder: Path, **columns: Iterable[Any]) -> None:
    """Rows in the input, beside a marker that is no file of rows."""
    (folder / "in").mkdir()
    pq.write_table(pa.table({k: list(v) for k, v in columns.items()}), folder / "in" / "2026_0")
    (folder / "in" / "_SUCCESS").touch()


def answered(folder: Path, name: str, **params: Any) -> list[dict[str, Any]]:
    """What a program writes."""
    work = getattr(importlib.import_module(f"tasks.mpi.{name}"), name)
    uri = folder.as_uri()
    run(Program(MPI.COMM_SELF, f"{uri}/in/", f"{uri}/try/out/", params, 25), work, name)
    rows: list[dict[str, Any]] = pq.read_table(folder / "try" / "out").to_pylist()
    return rows


def test_health_is_what_a_plain_loop_gives(tmp_path: Path, shocks: np.ndarray[Any, Any]) -> None:
    z = np.empty((WEEKS, LIVES))
    before = np.full(LIVES, 3.0)
    for week in range(WEEKS):
        z[week] = before = 0.25 * before + 0.75 * 3.0 + shocks[week]
    (row,) = answered(tmp_path, "health_index", rho=0.25)
    assert (row["lives"], row["weeks"]) == (LIVES, WEEKS)
    assert (row["first"], row["last"]) == (z[0, 0], z[-1, -1])
    assert row["mean"] == pytest.approx(z.mean(), rel=1e-14)
    assert row["sd"] == pytest.approx(z.std(), rel=1e-13)
    facts = json.loads((tmp_path / "try" / "facts" / "health_index.json").read_text())
    assert (facts["bytes"], facts["flop"]) == (8 * LIVES * WEEKS, 7 * LIVES * WEEKS)
    assert facts["compute_s"] > 0


def test_the_grid_is_what_a_plain_loop_gives(tmp_path: Path, shocks: np.ndarray[Any, Any]) -> None:
    means, steps = [], 0
    for rho in np.linspace(-0.95, 0.95, 5):
        weeks = []
        for life in range(LIVES):
            z, t = 0.0, 0
            while t < WEEKS and (z := rho * z + (1 - rho) * 1.0 + shocks[t, life]) > 0:
                t += 1
            weeks.append(t)
            steps += min(t + 1, WEEKS)
        means.append(sum(weeks) / LIVES)
    rows = answered(tmp_path, "persistence_grid", rhos=5, mu=1.0)
    assert [row["mean_t"] for row in rows] == means
    assert [row["best"] for row in rows].index(True) == means.index(max(means))
    assert sum(row["best"] for row in rows) == 1
    facts = json.loads((tmp_path / "try" / "facts" / "persistence_grid.json").read_text())
    assert (facts["best_mean_t"], facts["flop"]) == (max(means), 3 * steps)


def test_sigma_widens_what_was_given(tmp_path: Path, shocks: np.ndarray[Any, Any]) -> None:
    (row,) = answered(tmp_path, "health_index", rho=0.0, sigma=2)
    assert row["sd"] == pytest.approx(2 * shocks.std(), rel=1e-13)


def test_a_life_draws_the_same_whoever_else_is_there(tmp_path: Path) -> None:
    last = []
    for folder, lives in ((tmp_path / "a", [5, 1, 9]), (tmp_path / "b", [9])):
        folder.mkdir()
        given(folder, life=lives)
        last.append(answered(folder, "health_index", weeks=6)[0]["last"])
    assert last[0] == last[1]


@pytest.mark.parametrize(("first", "moves"), [("zero", 5), ("drawn", 6)])
def test_a_walk_says_whether_its_first_step_was_zero(
    tmp_path: Path, first: str, moves: int
) -> None:
    given(tmp_path, walk=[3, 1, 2])
    rows = answered(tmp_path, "random_walks", steps=6, first=first)
    assert [(row["walk"], row["moves"]) for row in rows] == [(n, moves) for n in (1, 2, 3)]
    key = np.array([25, 2], dtype=np.uint64)
    drawn = np.random.Generator(np.random.Philox(key=key)).standard_normal(moves)
    places = 100.0 + np.cumsum(drawn)
    assert rows[1]["last"] == places[-1]
    assert rows[1]["lowest"] == min(100.0, *places)
    assert rows[1]["highest"] == max(100.0, *places)
    facts = json.loads((tmp_path / "try" / "facts" / "random_walks.json").read_text())
    assert facts["sd_expected"] == math.sqrt(moves)


def test_a_grid_search_finds_what_tells_classes_apart(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    words = [[f"{'ab'[n % 2]}{w}" for w in rng.integers(0, 9, 4)] + ["the"] for n in range(60)]
    given(
        tmp_path,
        id=range(60),
        text=map(" ".join, words),
        label=["ab"[n % 2] if n < 50 else None for n in range(60)],
    )
    rows = answered(tmp_path, "grid_search", features=[64, 1])
    assert rows[0]["accuracy"] > 0.9 > 0.6 > rows[2]["accuracy"]  # one feature tells nothing
    assert [row["winner"] for row in rows].index(True) < 2
    assert {(row["asked"], row["baseline"]) for row in rows} == {(50, 0.5)}
    told = answered(tmp_path, "grid_search", rows="predictions", features=[64])
    assert [(r["document"], r["label"]) for r in told] == [(n, "ab"[n % 2]) for n in range(50, 60)]
    assert all(0.5 < r["probability"] <= 1 for r in told)


@pytest.mark.parametrize(
    ("program", "columns", "params", "found"),
    [
        ("random_walks", {"walk": [1, 2, 1]}, {}, "found number 1 more than once"),
        ("random_walks", {"step": [1]}, {}, "found no column walk: it has step"),
        ("random_walks", {"walk": [1]}, {"step": 1}, "found step. This program knows first,"),
        ("random_walks", {"walk": [1]}, {"first": "half"}, "found first='half'. It is one of"),
        ("random_walks", {"walk": [1]}, {"steps": 1}, "found steps=1. Take 2 at least"),
        ("health_index", {"life": [1.0]}, {}, "found double, in column life"),
        ("health_index", {"life": [1, None]}, {}, "found null at row 1, rows counted from 0"),
        ("health_index", {"life": [1]}, {"rho": "x"}, "found rho='x'. It is a float"),
        ("health_index", {"life": [1]}, {"weeks": 0}, "found weeks=0. Ask for 1 at least"),
        ("persistence_grid", {"life": [1]}, {"rhos": 0}, "found rhos=0. Ask for 1 at least"),
        ("grid_search", {"text": ["a"], "label": ["x"]}, {}, "found the labels x"),
        (
            *("grid_search", {"text": ["a", "b"], "label": ["x", "y"]}, {}),
            "While making 3 folds of 2 texts",
        ),
    ],
)
def test_what_can_not_be_computed_is_refused(
    tmp_path: Path, program: str, columns: dict[str, Any], params: dict[str, Any], found: str
) -> None:
    given(tmp_path, **columns)
    with pytest.raises(ProgramError, match=found):
        answered(tmp_path, program, **params)
    assert not (tmp_path / "try").exists()


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_a_shock_that_is_no_number_is_named(
    tmp_path: Path, shocks: np.ndarray[Any, Any], value: float
) -> None:
    shocks[9, 3] = value
    np.save(tmp_path / "in" / "shocks.npy", shocks)
    found = rf"found {value} at row 9 \(week\), column 3 \(life\), counted from 0"
    with pytest.raises(ProgramError, match=found):
        answered(tmp_path, "persistence_grid")


def test_matrices_that_are_none(tmp_path: Path, shocks: np.ndarray[Any, Any]) -> None:
    with pytest.raises(ProgramError, match="found 40 weeks, where the stage's params say 5"):
        answered(tmp_path, "health_index", weeks=5)
    np.save(tmp_path / "in" / "other.npy", shocks)
    with pytest.raises(ProgramError, match=r"found 2 \.npy files"):
        answered(tmp_path, "health_index")
    (tmp_path / "in" / "other.npy").unlink()
    np.save(tmp_path / "in" / "shocks.npy", np.arange(3))
    with pytest.raises(ProgramError, match=r"found int64 of shape \(3,\)"):
        answered(tmp_path, "health_index")


def test_words_of_the_command_line() -> None:
    told = arguments(["--input", "file:///i/", "--output", "file:///o/", "--params", '{"a": 1}'])
    assert told.params == {"a": 1}
    with pytest.raises(SystemExit):
        arguments(["--input", "file:///i/", "--output", "file:///o/", "--params", "[1]"])
