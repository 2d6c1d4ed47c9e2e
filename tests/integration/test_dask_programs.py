"""Programs of tasks/dask on ranks: their answers, for any number of workers; how they fail."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.integration.dask_programs import DASK, command, environment, left, put, run

RNG = np.random.default_rng(25)
COUNT = 6_000
PARTY = np.where(RNG.random(COUNT) < 0.4, "Whig", "Tory")
YEAR = RNG.integers(1900, 1950, COUNT)
MOOD = 0.01 * (YEAR - 1925) + RNG.normal(size=COUNT)


def sentences(folder: Path, files: int = 3, order: Any = None) -> Path:
    at = np.arange(COUNT) if order is None else order
    return put(folder, files, party=PARTY[at], year=YEAR[at], mood=MOOD[at])


TREND = {"group": "party", "time": "year", "value": "mood", "bin": 10, "resamples": 200}


def test_a_trend_is_the_same_for_any_workers_and_files(tmp_path: Path) -> None:
    shuffled = list(range(COUNT))
    random.Random(1).shuffle(shuffled)
    one = run("trend", sentences(tmp_path / "a"), tmp_path / "1", TREND, workers=1)
    three = run("trend", sentences(tmp_path / "b", 5, shuffled), tmp_path / "3", TREND, workers=3)
    alone = run("trend", sentences(tmp_path / "c", 1), tmp_path / "0", TREND, workers=None)
    assert (one.code, three.code, alone.code) == (0, 0, 0), one.log + three.log + alone.log
    assert one.part == three.part == alone.part
    assert (one.facts["workers"], three.facts["workers"]) == (1, 3)
    assert one.facts["resamples"] == 200


def test_a_trend_is_what_numpy_says(tmp_path: Path) -> None:
    done = run("trend", sentences(tmp_path / "in"), tmp_path / "o", TREND)
    assert done.code == 0, done.log
    assert [(r["party"], r["year"]) for r in done.rows] == [
        (p, y) for p in ("Tory", "Whig") for y in range(1900, 1950, 10)
    ]
    for row in done.rows:
        of_party = row["party"] == PARTY
        inside = of_party & (YEAR // 10 * 10 == row["year"])
        assert row["rows"] == row["units"] == inside.sum()
        assert row["mean"] == pytest.approx(MOOD[inside].mean(), rel=1e-12)
        assert row["slope"] == pytest.approx(np.polyfit(YEAR[of_party], MOOD[of_party], 1)[0])
        # A bootstrap of a mean is near the normal interval.
        error = MOOD[inside].std() / inside.sum() ** 0.5
        assert (row["high"] - row["low"]) / (2 * 1.96 * error) == pytest.approx(1, abs=0.25)
        assert row["low"] < row["mean"] < row["high"]
        assert row["slope_low"] < 0.01 < row["slope_high"]


def test_units_that_hang_together_widen_the_interval(tmp_path: Path) -> None:
    year = np.repeat(np.arange(20), 50)
    of_year = RNG.normal(size=20)[year]
    source = put(tmp_path / "in", year=year, mood=of_year + 0.1 * RNG.normal(size=1000))
    told = {"time": "year", "value": "mood", "bin": 20, "resamples": 300}
    (rows,) = run("trend", source, tmp_path / "r", told, workers=1).rows
    (years,) = run("trend", source, tmp_path / "u", told | {"unit": "year"}, workers=1).rows
    assert (rows["units"], years["units"]) == (1000, 20)
    assert rows["mean"] == pytest.approx(years["mean"])
    assert years["high"] - years["low"] > 4 * (rows["high"] - rows["low"])
    single = {"time": "year", "value": "mood", "unit": "year", "resamples": 20}
    each = run("trend", source, tmp_path / "s", single, workers=1).rows
    assert {(r["low"], r["high"]) for r in each} == {(None, None)}  # a unit alone says nothing


def test_group_by_has_exact_quantiles_if_asked_and_says_which(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"by": ["party"], "values": ["mood"], "quantiles": [0.025, 0.5]}
    source = sentences(tmp_path / "in")
    exact = run("groupby", source, tmp_path / "e", asked | {"exact": True})
    about = run("groupby", source, tmp_path / "a", asked)
    assert (exact.code, about.code) == (0, 0), exact.log + about.log
    for row, near in zip(exact.rows, about.rows, strict=True):
        mood = MOOD[row["party"] == PARTY]
        assert (row["quantiles"], near["quantiles"]) == ("exact", "approximate")
        assert [row["q2_5"], row["q50"]] == pytest.approx(np.quantile(mood, [0.025, 0.5]), rel=1e-12)
        assert near["q50"] == pytest.approx(row["q50"], abs=0.01)
        for told in (row, near):
            assert (told["column"], told["count"]) == ("mood", len(mood))
            assert (told["min"], told["max"]) == (mood.min(), mood.max())
            assert told["mean"] == pytest.approx(mood.mean(), rel=1e-12)
            assert told["sd"] == pytest.approx(mood.std(ddof=1), rel=1e-12)


def test_a_deviation_keeps_its_digits_far_from_zero(tmp_path: Path) -> None:
    values = 1e8 + RNG.normal(size=2000)
    source = put(tmp_path / "in", 2, value=values)
    (row,) = run("describe", source, tmp_path / "o", {}).rows
    assert row["sd"] == pytest.approx(values.std(ddof=1), rel=1e-9)
    assert row["quantiles"] == "approximate"


def test_a_description_is_the_same_for_any_workers_and_files(tmp_path: Path) -> None:
    asked = {"values": ["mood", "year"], "exact": False}
    order = np.argsort(MOOD)
    one = run("describe", sentences(tmp_path / "a"), tmp_path / "1", asked, workers=1)
    two = run("describe", sentences(tmp_path / "b", 7, order), tmp_path / "2", asked)
    assert one.code == two.code == 0, one.log + two.log
    assert one.part == two.part
    assert [r["column"] for r in one.rows] == ["mood", "year"]


def test_components_are_those_of_a_correlation_matrix(tmp_path: Path) -> None:
    common = RNG.normal(size=2000)
    columns = {name: common + 0.5 * RNG.normal(size=2000) for name in "abc"}
    source = put(tmp_path / "in", 2, **columns)
    done = run("components", source, tmp_path / "o", {"columns": ["a", "b", "c"]})
    assert done.code == 0, done.log
    values, vectors = np.linalg.eigh(np.corrcoef(list(columns.values())))
    first = [r["loading"] for r in done.rows[:3]]
    assert np.abs(first) == pytest.approx(np.abs(vectors[:, -1]), rel=1e-9)
    assert done.rows[0]["share"] == pytest.approx(values[-1] / 3)
    assert max(first, key=abs) > 0


def test_a_model_finds_the_coefficients_that_made_the_labels(tmp_path: Path) -> None:
    a, b = RNG.normal(10, 3, 6000), RNG.normal(0, 0.1, 6000)
    odds = 1.0 * (a - 10) / 3 - 2.0 * b / 0.1
    label = (RNG.random(6000) < 1 / (1 + np.exp(-odds))).astype(int)
    source = put(tmp_path / "in", 2, a=a, b=b, label=label)
    one = run("model", source, tmp_path / "1", {"features": ["a", "b"]}, workers=1)
    two = run("model", source, tmp_path / "2", {"features": ["a", "b"]})
    assert two.code == 0, two.log
    assert one.part == two.part
    found = {r["feature"]: r for r in two.rows}
    assert found["a"]["coefficient"] == pytest.approx(1.0, abs=0.15)
    assert found["b"]["coefficient"] == pytest.approx(-2.0, abs=0.25)
    assert found["a"]["rows"] + found["a"]["held_out"] == 6000
    assert found["a"]["accuracy"] > found["a"]["baseline"] + 0.1


def test_lines_without_one_group_each(tmp_path: Path) -> None:
    source = put(tmp_path / "in", 2, group=PARTY, x=YEAR, y=MOOD)
    done = run("leave_one_out", source, tmp_path / "o", {})
    assert done.code == 0, done.log
    assert [r["without"] for r in done.rows] == [None, "Tory", "Whig"]
    for row in done.rows:
        kept = row["without"] != PARTY if row["without"] else np.ones(COUNT, bool)
        slope, intercept = np.polyfit(YEAR[kept], MOOD[kept], 1)
        assert (row["slope"], row["intercept"]) == pytest.approx((slope, intercept))
        assert row["rows"] == kept.sum()


def test_the_uniform_policy_is_worth_what_a_loop_says(tmp_path: Path) -> None:
    log = np.where(RNG.random(900) < 0.5, "one", "two")
    item, click = RNG.integers(0, 5, 900), RNG.integers(0, 2, 900)
    p = RNG.uniform(0.05, 0.9, 900)
    source = put(tmp_path / "in", 2, log=log, item=item, click=click, propensity=p)
    asked = {"log": "log", "action": "item", "reward": "click"}
    done = run("off_policy", source, tmp_path / "o", asked)
    assert done.code == 0, done.log
    for row in done.rows:
        mine = log == row["log"]
        w = 1 / (5 * p[mine])
        wr = w * click[mine]
        assert (row["rounds"], row["reward"]) == (mine.sum(), click[mine].sum())
        assert row["actions"] == 5
        assert row["ips"] == pytest.approx(wr.mean(), rel=1e-12)
        assert row["snips"] == pytest.approx(wr.sum() / w.sum(), rel=1e-12)
        assert row["ips_se"] == pytest.approx(wr.std(ddof=1) / mine.sum() ** 0.5, rel=1e-9)
        assert row["effective_rounds"] == pytest.approx(w.sum() ** 2 / (w**2).sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("program", "params", "columns", "said"),
    [
        ("trend", {"binn": 10}, {"time": [1], "value": [1.0]}, "found binn. This program knows"),
        ("trend", {}, {"time": [1], "mood": [1.0]}, "found no column value: it has time, mood"),
        ("trend", {}, {"time": [1, 2], "value": [1.0, None]}, "found null at row 1"),
        ("trend", {}, {"time": ["x"], "value": [1.0]}, "A trend is of numbers"),
        ("groupby", {}, {"value": [1.0]}, "found no column in by"),
        ("describe", {}, {"value": []}, "found no row. Give an input that has rows."),
        (
            "off_policy",
            {},
            {"action": [1, 2], "reward": [0, 1], "propensity": [0.5, 0.0]},
            "partition 0 of 1 (2 rows), counted from 0, found ProgramError: While weighing rounds",
        ),
        ("components", {"columns": ["a", "b"]}, {"a": [1.0, 1.0], "b": [1.0, 2.0]}, "must vary"),
    ],
)
def test_what_cannot_be_computed_is_one_error_and_no_table(
    tmp_path: Path, program: str, params: Any, columns: Any, said: str
) -> None:
    done = run(program, put(tmp_path / "in", **columns), tmp_path / "o", params, workers=1)
    assert done.code != 0
    assert said in " ".join(done.log.replace("[1] ", " ").split())
    assert not done.output.exists()


def test_too_few_ranks_and_too_little_memory_are_said(tmp_path: Path) -> None:
    source = put(tmp_path / "in", value=[1.0])
    few = run("describe", source, tmp_path / "a", {}, workers=0)
    assert few.code != 0
    assert "found 2 ranks" in few.log
    small = run("describe", source, tmp_path / "b", {}, workers=1, HEADRACE_MEMORY_MIB="900")
    assert small.code != 0
    assert "Give the stage memory_mib=1120 or" in small.log
    on_gpus = run("describe", source, tmp_path / "c", {}, workers=None, HEADRACE_GPU="1")
    assert on_gpus.code != 0
    assert "While starting a cluster on GPUs, found no cudf" in on_gpus.log


HELPERS = '''
import os
import signal
import sys
import time
from pathlib import Path

import dask
import dask.array as da
import numpy as np

from tasks.dask import partitions
from tasks.dask.program import main
'''


def written(folder: Path, body: str) -> Path:
    path = folder / "program.py"
    path.write_text(HELPERS + textwrap.dedent(body))
    return path


def test_what_does_not_fit_in_memory_is_spilled(tmp_path: Path) -> None:
    """640 MB on two workers of 496 MiB each, of which Python and pandas take 230."""
    program = written(
        tmp_path,
        """
        def spilled(dask_worker):
            slow = dask_worker.data.slow
            return slow.total_weight.disk, dask_worker.memory_manager.memory_limit

        def work(program):
            x = da.ones((80, 1_000_000), chunks=(2, 1_000_000))
            x = program.client.persist(x * np.arange(80)[:, None])
            from distributed import wait
            wait(x)
            told = program.client.run(spilled).values()
            return {
                "total": [float(x.sum().compute())],
                "spilled": [sum(disk for disk, _ in told)],
                "limit": [max(limit for _, limit in told)],
            }

        if __name__ == "__main__":
            main(work)
        """,
    )
    done = run(program, tmp_path, tmp_path / "o", {}, HEADRACE_MEMORY_MIB="1824")
    assert done.code == 0, done.log
    (row,) = done.rows
    assert row["total"] == 1_000_000 * sum(range(80))
    assert row["limit"] == 496 << 20
    assert row["spilled"] > 100_000_000


SLOW = """
def slow(i, folder):
    (folder / f"{os.getpid()}").touch()
    time.sleep(0.3)
    return i

def work(program):
    folder = Path(program.params["folder"])
    found = dask.compute(*[dask.delayed(slow)(i, folder) for i in range(40)])
    return {"total": [sum(found)]}

if __name__ == "__main__":
    main(work)
"""


def test_a_worker_that_is_killed_is_started_anew_and_its_tasks_done(tmp_path: Path) -> None:
    program, seen = written(tmp_path, SLOW), tmp_path / "seen"
    seen.mkdir()
    words = ["--input", tmp_path.as_uri(), "--output", (tmp_path / "out").as_uri()]
    words += ["--params", f'{{"folder": "{seen}"}}']
    spill = tmp_path / "spill"
    spill.mkdir()
    process = subprocess.Popen(
        command(program, 2, *words), env=environment(spill, 2), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        until = time.monotonic() + 100
        while not (pids := list(seen.iterdir())) and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(int(pids[0].name), signal.SIGKILL)
        log, _ = process.communicate(timeout=150)
    finally:
        process.kill()
    assert process.returncode == 0, log
    import pyarrow.parquet as pq

    assert pq.read_table(tmp_path / "out")["total"].to_pylist() == [sum(range(40))]
    assert len(list(seen.iterdir())) >= 2
    assert not left(spill), log


def test_a_task_that_kills_its_workers_ends_the_program(tmp_path: Path) -> None:
    program = written(
        tmp_path,
        """
        def die(i):
            os.kill(os.getpid(), signal.SIGKILL)

        def work(program):
            return {"none": dask.compute(dask.delayed(die)(1, dask_key_name="die-1"))}

        if __name__ == "__main__":
            main(work)
        """,
    )
    done = run(program, tmp_path, tmp_path / "o", {})
    assert done.code != 0
    assert "Attempted to run task 'die-1' on 3 different workers" in done.log
    assert not done.output.exists()


def test_a_rank_that_is_killed_ends_all_of_them(tmp_path: Path) -> None:
    program, seen = written(tmp_path, SLOW), tmp_path / "seen"
    seen.mkdir()
    words = ["--input", tmp_path.as_uri(), "--output", (tmp_path / "out").as_uri()]
    words += ["--params", f'{{"folder": "{seen}"}}']
    spill = tmp_path / "spill"
    spill.mkdir()
    process = subprocess.Popen(
        command(program, 1, *words), env=environment(spill, 1), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        until = time.monotonic() + 100
        while not (pids := list(seen.iterdir())) and time.monotonic() < until:
            time.sleep(0.05)
        nanny = psutil.Process(int(pids[0].name)).parent()
        assert nanny is not None
        nanny.kill()
        log, _ = process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode != 0
    assert not (tmp_path / "out").exists()
    assert not left(spill), log


def test_every_program_is_documented() -> None:
    told = (DASK.parents[1] / "docs" / "dask.md").read_text()
    for path in DASK.glob("*.py"):
        if '__name__ == "__main__"' in path.read_text():
            assert f"`{path.stem}`" in told, path.stem
