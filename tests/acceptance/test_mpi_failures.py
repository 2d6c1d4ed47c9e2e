"""Ranks that go wrong, through the whole house: the rank and the reason, and no half table."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import pytest

from headrace.sql import Athena
from tests.acceptance.conftest import PROJECT, House

BUCKET = "headrace-ranks-123456789012-us-east-1"
STUDY = '''
"""Ranks, squared: a study of the tests' own."""

from dataclasses import dataclass

from headrace.study import Mpi, Study


@dataclass(frozen=True)
class Square:
    rank: int
    squared: int
    told: str


@dataclass(frozen=True)
class Walk:
    walk: int
    last: float
    lowest: float
    highest: float
    moves: int


@dataclass(frozen=True)
class Moments:
    lives: int
    weeks: int
    rho: float
    mu: float
    mean: float
    sd: float
    first: float
    last: float


def squares(name):
    source = f"s3://{lake}/files/{name}/"
    return Mpi(name, "studies/ranks/program.py", source, Square, ranks=3, timeout_s=60)


SHOCKS = "s3://{lake}/files/nan/"
study = Study(
    name="ranks",
    question="What is left of ranks that fail?",
    seed=7,
    stages=[
        *map(squares, ("raises", "dies", "hangs")),
        Mpi("nan", "tasks/mpi/health_index.py", SHOCKS, Moments, ranks=3),
        Mpi(
            "few",
            "tasks/mpi/random_walks.py",
            "SELECT walk FROM UNNEST(sequence(1, 2)) AS t(walk)",
            Walk,
            ranks=4,
        ),
    ],
)
'''.replace("{lake}/files/{name}", "{{lake}}/files/{name}")
#: Rank 0 has written all rows before rank 1 goes wrong, as its input says.
PROGRAM = '''
"""Ranks, squared."""

import argparse
import os
import time

import pyarrow as pa
import pyarrow.parquet as pq
from mpi4py import MPI
from pyarrow import fs


def main():
    parser = argparse.ArgumentParser()
    for name in ("--input", "--output", "--params"):
        parser.add_argument(name)
    told = parser.parse_args()
    comm = MPI.COMM_WORLD
    fault = comm.bcast(read(told.input) if comm.rank == 0 else None)
    squares = comm.gather(comm.rank**2)
    if comm.rank == 0:
        write(told.output, squares, fault)
    comm.barrier()
    if comm.rank == 1:
        go_wrong(fault)
    comm.barrier()


def read(uri):
    system, path = fs.FileSystem.from_uri(uri.rstrip("/") + "/fault.txt")
    return system.open_input_file(path).read().decode().strip()


def write(uri, squares, fault):
    ranks = list(range(len(squares)))
    table = pa.table({"rank": ranks, "squared": squares, "told": [fault] * len(squares)})
    system, path = fs.FileSystem.from_uri(uri.rstrip("/") + "/part-00000.parquet")
    pq.write_table(table, path, filesystem=system)


def go_wrong(fault):
    if fault == "raise":
        raise ValueError("a square that is no number")
    if fault == "die":
        os.kill(os.getpid(), 9)
    if fault == "sleep":
        time.sleep(600)


if __name__ == "__main__":
    main()
'''
GOOD = [{"rank": n, "squared": n * n, "told": "nothing"} for n in range(3)]


@dataclass(frozen=True)
class Case:
    """A way to fail: what the input says, and patterns of what is told."""

    fault: str
    rank: int
    reason: str
    where: str


LINE = 1 + next(n for n, text in enumerate(PROGRAM.splitlines()) if "raise ValueError" in text)
CASES = {
    "raises": Case("raise", 1, "ValueError: a square", f"studies/ranks/program.py:{LINE}"),
    "dies": Case("die", 1, "SIGKILL", ""),
    "nan": Case("", 0, "found nan at row 2 (week), column 1 (life)", "tasks/mpi/rows.py:"),
}
HANG = {
    "hangs": Case("sleep", 1, "rank 1 is elsewhere than most", "studies/ranks/program.py:"),
}


@dataclass(frozen=True)
class Ranks:
    """The study, deployed, and how to ask what became of it."""

    house: House

    def put(self, key: str, body: bytes) -> None:
        """Write an object of the lake."""
        self.house.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def tell(self, stage: str, fault: str) -> None:
        """Give a stage its input."""
        if stage != "nan":
            self.put(f"files/{stage}/fault.txt", fault.encode())

    def run(self, *stages: str) -> Any:
        """Run stages, whatever becomes of them."""
        words = [word for stage in stages for word in ("--stage", stage)]
        done = self.house.headrace("run", "ranks", *words, "--json", check=False)
        return json.loads(done.stdout)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask Athena."""
        athena = Athena(self.house.client("athena"), "headrace-ranks", "ranks")
        found: list[dict[str, Any]] = athena.ask(sql).rows.to_pylist()
        return found

    def table(self, stage: str) -> list[dict[str, Any]]:
        """All rows of a stage's table."""
        return self.rows(f"SELECT * FROM {stage} ORDER BY 1")

    def keys(self, run: str, stage: str) -> set[str]:
        """Names of what a stage of a run left, below its prefix or its try's."""
        prefix = f"runs/{run}/{stage}/"
        pages = self.house.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=BUCKET, Prefix=prefix)
        keys = [told["Key"].removeprefix(prefix) for page in found for told in page["Contents"]]
        return {key if key == "done.json" else key.partition("/")[2] for key in keys}

    def job(self, run: str, stage: str) -> dict[str, Any]:
        """The stage's job, as Batch tells it."""
        batch = self.house.client("batch")
        given = [{"name": "JOB_NAME", "values": [f"ranks-{stage}-{run}-1"]}]
        listed = batch.list_jobs(jobQueue="headrace-ranks-fargate", filters=given)
        (one,) = listed["jobSummaryList"]
        found: dict[str, Any] = batch.describe_jobs(jobs=[one["jobId"]])["jobs"][0]
        return found


def processes() -> list[str]:
    """What runs of the study's jobs: their words name the lake's bucket."""
    told = (p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"]))
    return [" ".join(words) for words in told if any(f"s3://{BUCKET}" in word for word in words)]


@pytest.fixture(scope="module")
def ranks(house: House) -> Iterator[Ranks]:
    """The deployed study; the stages whose ranks go wrong have rows of an earlier, good run."""
    if not (house.root / "tasks").exists():
        shutil.copytree(PROJECT / "tasks", house.root / "tasks")
    folder = house.root / "studies" / "ranks"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""A study of the tests\' own."""\n')
    (folder / "study.py").write_text(STUDY)
    (folder / "program.py").write_text(PROGRAM)
    house.headrace("deploy", "ranks")
    made = Ranks(house)
    for stage in ("raises", "dies", "hangs"):
        made.tell(stage, "nothing")
    told = made.run("raises", "dies", "hangs")
    assert told["status"] == "SUCCEEDED", told
    shocks = np.zeros((5, 4))
    shocks[2, 1] = np.nan
    body = io.BytesIO()
    np.save(body, shocks)
    made.put("files/nan/shocks.npy", body.getvalue())
    yield made
    assert processes() == []


@dataclass(frozen=True)
class Failure:
    """A run that failed."""

    told: dict[str, Any]
    left: list[str]

    @property
    def run(self) -> str:
        """Its id."""
        return str(self.told["run"])


def failing(ranks: Ranks, cases: dict[str, Case], *more: str) -> Failure:
    """Run stages, each with its fault."""
    for stage, case in cases.items():
        ranks.tell(stage, case.fault)
    return Failure(ranks.run(*cases, *more), processes())


@pytest.fixture(scope="module")
def failed(ranks: Ranks) -> Failure:
    """The run of all ways to fail at once, beside one that is none: more ranks than items."""
    return failing(ranks, CASES, "few")


@pytest.fixture(scope="module")
def hung(ranks: Ranks) -> Failure:
    """The run of a rank that hangs, until its stage's least timeout."""
    return failing(ranks, HANG)


def check(ranks: Ranks, failure: Failure, stage: str, case: Case) -> None:
    """The state, the reason with the rank, and that nothing of it is left."""
    assert failure.told["status"] == "FAILED"
    job = ranks.job(failure.run, stage)
    assert (job["status"], job["container"]["exitCode"], len(job["attempts"])) == ("FAILED", 1, 1)
    # `why` is asked as a user asks it.
    why = ranks.house.headrace("why", "ranks", failure.run, "--stage", stage).stdout
    assert f"rank {case.rank}" in why
    assert case.reason in why
    assert case.where in why
    left = ranks.keys(failure.run, stage)
    assert "done.json" not in left
    assert "out/_SUCCESS" not in left
    assert failure.left == []
    if stage == "nan":
        assert ranks.table(stage) == []
    else:
        assert "out/part-00000.parquet" in left  # rank 0 had written it all
        assert ranks.table(stage) == GOOD


@pytest.mark.parametrize("stage", CASES)
def test_a_rank_that_goes_wrong(ranks: Ranks, failed: Failure, stage: str) -> None:
    check(ranks, failed, stage, CASES[stage])


def test_more_ranks_than_items_succeed(ranks: Ranks, failed: Failure) -> None:
    assert ranks.job(failed.run, "few")["status"] == "SUCCEEDED"
    assert [row["walk"] for row in ranks.table("few")] == [1, 2]


@pytest.mark.slow
def test_a_rank_that_hangs(ranks: Ranks, hung: Failure) -> None:
    check(ranks, hung, "hangs", HANG["hangs"])
    job = ranks.job(hung.run, "hangs")
    assert 60 <= (job["stoppedAt"] - job["startedAt"]) / 1000 < 90


def test_a_stage_is_mended_by_its_input(ranks: Ranks, failed: Failure) -> None:
    ranks.tell("dies", "mended")
    told = ranks.house.headrace("run", "ranks", "--run", failed.run, "--resume", "--stage", "dies")
    assert told.returncode == 0
    assert {row["told"] for row in ranks.table("dies")} == {"mended"}
