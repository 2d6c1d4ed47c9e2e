"""The course's MPI tasks through the whole house, at 1 to 4 ranks, and on a research cluster."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import PROJECT, House

STAGES = ("health_index", "persistence_grid", "persistence_grid_mu", "random_walks")
QUERIES = ("persistence", "best", "index", "walks", "ends")
#: As ../shared/acceptance/course_tasks.md has them, to its digits.
MOMENTS = {
    "lives": 1000,
    "weeks": 4160,
    "mean": 3.0011321434,
    "sd": 1.1548668808,
    "first": 3.2282730897,
    "last": 2.6348468006954,
}
BEST = [
    {"start": "at 0", "rho": -0.0334170854, "mean_t": 754.764},
    {"start": "at mu", "rho": -0.0334170854, "mean_t": 754.251},
]


@pytest.fixture(scope="module")
def health(house: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The study deployed and run with its own 2 ranks, its files uploaded as the README says."""
    if not (house.root / "tasks").exists():
        shutil.copytree(PROJECT / "tasks", house.root / "tasks")
    folder = tmp_path_factory.mktemp("shocks")
    subprocess.run(
        [sys.executable, "-m", "studies.health.shocks", str(folder)],
        cwd=house.root,
        env=house.environment,
        check=True,
    )
    house.headrace("deploy", "health")
    house.headrace("upload", "health", "shocks", str(folder / "shocks-25.npy"))
    house.headrace("upload", "health", "shocks-0", str(folder / "shocks-0.npy"))
    house.headrace("run", "health")
    return house


def rows(house: House, sql: str) -> list[dict[str, Any]]:
    # Behind `--`: the study's own queries begin with a comment.
    done = house.headrace("query", "health", "--json", "--", sql)
    found: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return found


def query(house: House, name: str) -> list[dict[str, Any]]:
    """What one of the study's own queries answers."""
    path = PROJECT / "studies" / "health" / "queries" / f"{name}.sql"
    return rows(house, path.read_text(encoding="utf-8"))


def checksums(house: House, workers: int, engine: str = "AWS Batch") -> dict[str, str]:
    """Of the rows of each stage, by the newest run of as many workers."""
    sql = f"""SELECT stage, max_by(output_checksum, ended) AS checksum FROM runs
        WHERE kind = 'mpi' AND workers = {workers} AND engine LIKE '{engine}%' GROUP BY stage"""
    return {row["stage"]: row["checksum"] for row in rows(house, sql)}


def test_the_health_index_has_the_moments_of_the_exercise(health: House) -> None:
    (row,) = query(health, "index")
    assert {name: row[name] for name in MOMENTS} == pytest.approx(MOMENTS, abs=5e-11)


def test_the_best_persistence_is_that_of_the_exercise_for_both_starts(health: House) -> None:
    found = query(health, "best")
    assert [row["start"] for row in found] == [row["start"] for row in BEST]
    for row, best in zip(found, BEST, strict=True):
        assert row["rho"] == pytest.approx(best["rho"], abs=5e-11)
        assert row["mean_t"] == best["mean_t"]


def test_walks_are_as_theory_has_them_and_no_two_are_alike(health: House) -> None:
    (row,) = query(health, "walks")
    assert (row["walks"], row["moves"]) == (10_000, 99)
    assert row["sd_expected"] == pytest.approx(99**0.5)
    # Four standard errors: the seed is fixed, so that this is a test of these walks.
    assert abs(row["mean"] - 100) < 4 * row["sd_expected"] / 100
    assert abs(row["sd"] - row["sd_expected"]) < 4 * row["sd_error"]
    (alike,) = rows(health, 'SELECT count(DISTINCT "last") AS ends FROM random_walks')
    assert alike["ends"] == 10_000


def test_every_query_answers(health: House) -> None:
    assert len(query(health, "persistence")) == 200
    share = sum(row["share"] for row in query(health, "ends"))
    assert share * 2 == pytest.approx(1)  # bins are 2 wide
    health.headrace("report", "health")
    report = (health.root / "out" / "health" / "report.html").read_text(encoding="utf-8")
    for name in QUERIES:
        assert name in report


@pytest.mark.parametrize("ranks", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 4))])
def test_any_number_of_ranks_gives_the_same_bits(health: House, ranks: int) -> None:
    words = [word for stage in STAGES for word in ("--stage", stage)]
    health.headrace("run", "health", *words, "--workers", str(ranks))
    found = checksums(health, ranks)
    assert set(found) == set(STAGES)
    assert found == checksums(health, 2)


def ready(folder: Path) -> None:
    """Do what stage_in.sh does where there is no internet: check the input, take our packages."""
    lines = (folder / "stage-in.tsv").read_text(encoding="utf-8").splitlines()[1:]
    for sha, size, name, _ in (line.split("\t") for line in lines):
        data = (folder / "input" / name).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (sha, int(size))
    python = folder / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/bash\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    files = ("stage-in.tsv", "requirements.txt", "program.zip", "job.sbatch")
    sums = subprocess.run(["sha256sum", *files], cwd=folder, capture_output=True, check=True)
    (folder / "ready").write_bytes(sums.stdout)


def on_the_cluster(folder: Path) -> None:
    """Run the script as Slurm would, by a shell that has nothing of the house."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    subprocess.run(
        ["bash", "job.sbatch"], cwd=folder, env=kept, capture_output=True, check=True, timeout=200
    )


def test_a_research_cluster_gives_the_same_bits_and_the_table(
    health: House, tmp_path: Path
) -> None:
    folder, late = tmp_path / "walks on 5", tmp_path / "late"
    words = ("slurm", "health", "random_walks")
    health.headrace(*words, "--out", str(late))  # prepared first, brought back last
    told = health.facts(*words, "--out", str(folder), "--workers", "5")
    ready(folder)
    early = health.headrace(*words, "--back", str(folder), check=False)
    assert early.returncode == 1
    assert "no _SUCCESS" in early.stderr

    on_the_cluster(folder)
    back = health.facts(*words, "--back", str(folder))
    assert (back["run"], back["rows"]) == (told["run"], 10_000)
    assert back["checksum"] == checksums(health, 2)["random_walks"]
    sql = f"SELECT * FROM runs WHERE run = '{told['run']}'"
    (row,) = rows(health, sql)
    assert row["engine"].startswith("a shell (")
    assert (row["workers"], row["quarantined"]) == (5, 0)
    house_row, *_ = rows(
        health, "SELECT * FROM runs WHERE stage = 'random_walks' AND engine = 'AWS Batch'"
    )
    for name in ("code", "seed", "params", "input_checksum", "output_checksum"):
        assert row[name] == house_row[name]
    assert row["cost_usd"] < house_row["cost_usd"]  # no container was paid for

    # A try that is older than the table's does not take its place.
    ready(late)
    on_the_cluster(late)
    refused = health.headrace(*words, "--back", str(late), check=False)
    assert refused.returncode == 1
    assert "Superseded" in refused.stderr


def test_slurm_refuses_what_it_can_not_run(health: House, tmp_path: Path) -> None:
    to = str(tmp_path / "new")
    query_ = health.headrace("slurm", "health", "best", "--out", to, check=False)
    assert "is a Query, which Slurm can't run" in query_.stderr
    neither = health.headrace("slurm", "health", "random_walks", check=False)
    assert neither.returncode == 2
    odd = ("--out", to, "--workers", "3", "--nodes", "2")
    spread = health.headrace("slurm", "health", "random_walks", *odd, check=False)
    assert "3 ranks on 2 nodes" in spread.stderr
    assert not Path(to).exists()
