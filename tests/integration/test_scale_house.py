"""A deployed stage is measured at some numbers of workers, and the machine that its jobs get."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import PROJECT, House, build

pytestmark = pytest.mark.slow
STAGE = "random_walks"


@pytest.fixture(scope="module")
def health(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    root = tmp_path_factory.mktemp("house")
    house = build(root)
    if not (root / "tasks").exists():
        shutil.copytree(PROJECT / "tasks", root / "tasks")
    try:
        house.headrace("deploy", "health")
        yield house
    finally:
        house.headrace("down", check=False)


def test_a_stage_is_run_at_each_number_of_workers_and_its_times_are_taken(health: House) -> None:
    words = ("scale", "health", STAGE, "--workers", "1,2", "--repeats", "2", "--no-warm-up")
    told = health.facts(*words)
    assert [run["workers"] for run in told["runs"]] == [1, 2, 2, 1]
    assert told["same_answer"] is True
    for run in told["runs"]:
        assert 0 < run["seconds"] < run["stage_s"]
    assert told["usl"]["identifiable"] is False
    assert "3 unknowns" in told["usl"]["why"]
    written = health.root / "out" / "health" / f"scaling-{STAGE}"
    assert {p.name for p in written.iterdir()} == {
        "scaling.json", "scaling.png", "scaling.svg", "timings.csv",
    }  # fmt: skip
    again = health.facts("scale", "health", STAGE, "--timings", str(written / "timings.csv"))
    assert sorted(again["timings"], key=str) == sorted(told["timings"], key=str)


def test_the_machine_of_its_jobs_is_measured_and_the_stage_placed(health: House) -> None:
    health.headrace("run", "health", "--stage", STAGE)
    told = health.facts("roofline", "health")
    assert "headrace-health-fargate" in told["where"]
    roofs = {roof["roof"] for roof in told["roofs"]}
    assert {"FMA", "dgemm", "DRAM", "disk, read", "S3, GET"} <= roofs
    assert [stage["stage"] for stage in told["stages"]] == [STAGE]
    bucket = "headrace-health-123456789012-us-east-1"
    left = health.client("s3").list_objects_v2(Bucket=bucket, Prefix="runs/roofline-")
    assert left["KeyCount"] == 0


def test_a_failed_run_ends_it_with_where_to_look(health: House) -> None:
    done = health.headrace(  # nothing is uploaded for it
        "scale", "health", "persistence_grid", "--workers", "1", "--no-warm-up", check=False
    )
    assert done.returncode == 1
    assert "headrace why health" in done.stderr
