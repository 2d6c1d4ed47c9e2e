"""Programs of tasks/dask: their answers, for any workers and files, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.dask_programs import DASK, Call, Done, answers, put

RNG = np.random.default_rng(25)
COUNT = 6_000
A, B = RNG.normal(10, 3, COUNT), RNG.normal(0, 0.1, COUNT)
CHANCE = 1 / (1 + np.exp(-((A - 10) / 3 - 2.0 * B / 0.1)))
YEAR = RNG.integers(1900, 1950, COUNT)
COLUMNS: dict[str, Any] = {
    "party": np.where(RNG.random(COUNT) < 0.4, "Whig", "Tory"),
    "year": YEAR,
    "mood": 0.01 * (YEAR - 1925) + RNG.normal(size=COUNT),
    "far": 1e8 + RNG.normal(size=COUNT),
    "a": A,
    "b": B,
    "c": A / 3 + RNG.normal(size=COUNT),
    "label": (RNG.random(COUNT) < CHANCE).astype(int),
    "item": RNG.integers(0, 5, COUNT),
    "click": RNG.integers(0, 2, COUNT),
    "propensity": RNG.uniform(0.05, 0.9, COUNT),
}
PARTY, MOOD = COLUMNS["party"], COLUMNS["mood"]
BY = {"by": ["party"], "values": ["mood"], "quantiles": [0.025, 0.5]}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "trend": ("trend", {"group": "party", "time": "year", "value": "mood", "bin": 10}),
    "by unit": ("trend", {"time": "year", "value": "mood", "unit": "year", "bin": 50}),
    "no unit": ("trend", {"time": "year", "value": "mood", "bin": 50}),
    "alone": ("trend", {"time": "year", "value": "mood", "unit": "year"}),
    "about": ("groupby", BY),
    "exact": ("groupby", BY | {"exact": True}),
    "describe": ("describe", {"values": ["far", "year"]}),
    "components": ("components", {"columns": ["a", "b", "c"], "components": 3}),
    "model": ("model", {"features": ["a", "b"]}),
    "leave_one_out": ("leave_one_out", {"group": "party", "x": "year", "y": "mood"}),
    "off_policy": ("off_policy", {"log": "party", "action": "item", "reward": "click"}),
}
MANY = {"partition_rows": 700}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Done]:
    """What each answers: by a worker from three files, by three from seven in disorder."""
    folder = tmp_path_factory.mktemp("dask")
    order = np.random.default_rng(1).permutation(COUNT)
    sources = {
        "one": (put(folder / "in1", 3, **COLUMNS), 1),
        "three": (put(folder / "in3", 7, **{n: v[order] for n, v in COLUMNS.items()}), 3),
    }
    calls = {
        (name, which): Call(program, source, folder / f"{name} {which}", few(params), workers)
        for name, (program, params) in ASKED.items()
        for which, (source, workers) in sources.items()
    }
    return dict(zip(calls, answers(*calls.values()), strict=True))


def few(params: dict[str, Any]) -> dict[str, Any]:
    return params | MANY | ({"resamples": 120} if "time" in params else {})


@pytest.mark.parametrize("name", ASKED)
def test_workers_and_files_change_no_byte(told: Any, name: str) -> None:
    one, three = told[name, "one"], told[name, "three"]
    assert (one.code, three.code) == (0, 0), one.log + three.log
    assert one.part == three.part


def test_a_trend_is_what_numpy_says(told: Any) -> None:
    rows = told["trend", "three"].rows
    assert [(r["party"], r["year"]) for r in rows] == [
        (p, y) for p in ("Tory", "Whig") for y in range(1900, 1950, 10)
    ]
    for row in rows:
        of_party = row["party"] == PARTY
        inside = of_party & (row["year"] == YEAR // 10 * 10)
        assert row["rows"] == row["units"] == inside.sum()
        assert row["mean"] == pytest.approx(MOOD[inside].mean(), rel=1e-10)
        assert row["slope"] == pytest.approx(np.polyfit(YEAR[of_party], MOOD[of_party], 1)[0])
        # A bootstrap of a mean is near the normal interval.
        error = MOOD[inside].std() / inside.sum() ** 0.5
        assert (row["high"] - row["low"]) / (2 * 1.96 * error) == pytest.approx(1, abs=0.35)
        assert row["low"] < row["mean"] < row["high"]
        assert row["slope_low"] < row["slope"] < row["slope_high"]


def test_units_are_drawn_whole_and_one_alone_says_nothing(told: Any) -> None:
    (rows,), (years,) = told["no unit", "one"].rows, told["by unit", "one"].rows
    assert (rows["units"], years["units"]) == (COUNT, 50)
    assert rows["mean"] == pytest.approx(years["mean"])
    # Moods move with the years: as draws, years differ more than rows do.
    assert years["high"] - years["low"] > 1.2 * (rows["high"] - rows["low"])
    assert {(r["low"], r["high"]) for r in told["alone", "one"].rows} == {(None, None)}


def test_group_by_has_exact_quantiles_if_asked_and_says_which(told: Any) -> None:
    for row, near in zip(told["exact", "one"].rows, told["about", "one"].rows, strict=True):
        mood = MOOD[row["party"] == PARTY]
        assert (row["quantiles"], near["quantiles"]) == ("exact", "approximate")
        exact = np.quantile(mood, [0.025, 0.5])
        assert [row["q2_5"], row["q50"]] == pytest.approx(exact, rel=1e-12)
        assert [near["q2_5"], near["q50"]] == pytest.approx(exact, abs=0.05)
        for each in (row, near):
            assert (each["column"], each["count"]) == ("mood", len(mood))
            assert (each["min"], each["max"]) == (mood.min(), mood.max())
            assert each["mean"] == pytest.approx(mood.mean(), rel=1e-10)
            assert each["sd"] == pytest.approx(mood.std(ddof=1), rel=1e-10)


def test_a_deviation_keeps_its_digits_far_from_zero(told: Any) -> None:
    far, year = told["describe", "three"].rows
    assert (far["column"], year["column"]) == ("far", "year")
    assert far["sd"] == pytest.approx(COLUMNS["far"].std(ddof=1), rel=1e-7)
    assert far["quantiles"] == "approximate"


def test_components_are_those_of_a_correlation_matrix(told: Any) -> None:
    rows = told["components", "three"].rows
    values, vectors = np.linalg.eigh(np.corrcoef([COLUMNS[name] for name in "abc"]))
    for at in range(3):
        loadings = [r["loading"] for r in rows[3 * at : 3 * at + 3]]
        assert np.abs(loadings) == pytest.approx(np.abs(vectors[:, 2 - at]), rel=1e-6)
        assert rows[3 * at]["share"] == pytest.approx(values[2 - at] / 3)
        assert max(loadings, key=abs) > 0


def test_a_model_finds_the_coefficients_that_made_the_labels(told: Any) -> None:
    found = {r["feature"]: r for r in told["model", "three"].rows}
    assert found["a"]["coefficient"] == pytest.approx(1.0, abs=0.15)
    assert found["b"]["coefficient"] == pytest.approx(-2.0, abs=0.25)
    assert found["intercept"]["mean"] is None
    assert found["a"]["rows"] + found["a"]["held_out"] == COUNT
    assert found["a"]["held_out"] == pytest.approx(COUNT / 4, rel=0.1)
    assert found["a"]["accuracy"] > found["a"]["baseline"] + 0.1


def test_lines_without_one_group_each(told: Any) -> None:
    rows = told["leave_one_out", "one"].rows
    assert [r["without"] for r in rows] == [None, "Tory", "Whig"]
    for row in rows:
        kept = row["without"] != PARTY if row["without"] else np.ones(COUNT, bool)
        slope, intercept = np.polyfit(YEAR[kept], MOOD[kept], 1)
        assert (row["slope"], row["intercept"]) == pytest.approx((slope, intercept))
        assert (row["rows"], row["change"]) == (kept.sum(), row["slope"] - rows[0]["slope"])


def test_the_uniform_policy_is_worth_what_a_loop_says(told: Any) -> None:
    for row in told["off_policy", "three"].rows:
        mine = row["party"] == PARTY
        click, w = COLUMNS["click"][mine], 1 / (5 * COLUMNS["propensity"][mine])
        wr = w * click
        assert (row["rounds"], row["reward"], row["actions"]) == (mine.sum(), click.sum(), 5)
        assert row["ips"] == pytest.approx(wr.mean(), rel=1e-12)
        assert row["snips"] == pytest.approx(wr.sum() / w.sum(), rel=1e-12)
        assert row["ips_se"] == pytest.approx(wr.std(ddof=1) / mine.sum() ** 0.5, rel=1e-9)
        assert row["effective_rounds"] == pytest.approx(w.sum() ** 2 / (w**2).sum(), rel=1e-12)


POLICY = {"action": [1, 2], "reward": [0, 1], "propensity": [0.5, 0.0]}
REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("trend", {"binn": 10}, {"time": [1], "value": [1.0]}, "found binn. This program knows"),
    ("trend", {}, {"time": [1], "mood": [1.0]}, "found no column value: it has time, mood"),
    ("trend", {}, {"time": [1, 2], "value": [1.0, None]}, "found null at row 1"),
    ("trend", {}, {"time": ["x"], "value": [1.0]}, "A trend is of numbers"),
    ("trend", {"resamples": 1}, {"time": [1], "value": [1.0]}, "lies between 10 and"),
    ("groupby", {}, {"value": [1.0]}, "found no column in by"),
    ("groupby", {"by": "g"}, {"g": ["x"], "value": ["y"]}, "Values are numbers"),
    ("describe", {}, {"value": []}, "found no row. Give an input that has rows."),
    ("describe", {"quantiles": [2]}, {"value": [1.0]}, "They are numbers from 0 to 1"),
    (
        "off_policy",
        {},
        POLICY,
        "partition 0 of 1 (2 rows), counted from 0, found ProgramError: Whi",
    ),
    ("components", {"columns": ["a", "b"]}, {"a": [1.0, 1.0], "b": [1.0, 2.0]}, "must vary"),
    ("model", {"features": ["a"]}, {"a": [1.0], "label": [2]}, "A label is 0 or 1"),
    ("leave_one_out", {}, {"group": [1, 2], "x": [1, 1], "y": [1, 2]}, "A line needs two values"),
]


def test_what_cannot_be_computed_is_one_error_and_no_table(tmp_path: Path) -> None:
    calls = [
        Call(program, put(tmp_path / f"in{at}", **columns), tmp_path / str(at), params, 1)
        for at, (program, params, columns, _) in enumerate(REFUSED)
    ]
    for done, (program, _, _, said) in zip(answers(*calls), REFUSED, strict=True):
        assert said in done.log, program
        assert not done.output.exists()


def test_every_program_is_documented() -> None:
    text = (DASK.parents[1] / "docs" / "dask.md").read_text()
    for path in DASK.glob("*.py"):
        if '\nif __name__ == "__main__":' in path.read_text():
            assert f"`{path.stem}`" in text, path.stem
