"""A stage on GPUs and one on a Dask cluster, through the whole house.

The machine's driver is the tests' own: a script that lists two GPUs, as `nvidia-smi -L` would.
What is given to whom is seen in what a program finds in its environment.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headrace.sql import Athena
from tests.acceptance.conftest import PROJECT, House, build

pytestmark = pytest.mark.slow
BUCKET = "headrace-devices-123456789012-us-east-1"
SMI = """#!/bin/sh
test "$1" = -L || exit 9
echo "GPU 0: Tesla T4 (UUID: GPU-a)"
echo "GPU 1: Tesla T4 (UUID: GPU-b)"
"""
STUDY = '''
"""What a job finds: a study of the tests' own."""

from dataclasses import dataclass

from headrace.study import Dask, Gpu, Study


@dataclass(frozen=True)
class Device:
    cuda: str
    nvidia: str
    workers: str


@dataclass(frozen=True)
class Total:
    total: int
    workers: int
    threads: int
    mib: int


study = Study(
    name="devices",
    question="Who computes?",
    seed=7,
    stages=[
        Gpu(
            "picked",
            "studies/devices/pick.py",
            "s3://{lake}/files/numbers/",
            Device,
            memory_mib=1000,
        ),
        Dask(
            "summed",
            "studies/devices/total.py",
            "SELECT n FROM UNNEST(sequence(1, 100)) AS t(n)",
            Total,
            threads=2,
            memory_mib=3000,
        ),
    ],
)
'''
PICK = '''
"""Writes down which GPUs it was given."""

import argparse
import os

from tasks import rows


def main():
    parser = argparse.ArgumentParser()
    for name in ("--input", "--output", "--params"):
        parser.add_argument(name)
    told = parser.parse_args()
    names = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HEADRACE_WORKERS")
    values = [os.environ[name] for name in names]
    rows.write(told.output, {k: [v] for k, v in zip(("cuda", "nvidia", "workers"), values)})


if __name__ == "__main__":
    main()
'''
TOTAL = '''
"""Sums numbers on a cluster, and says who did."""

import argparse

from tasks import rows
from tasks.dask.cluster import cluster


def main():
    parser = argparse.ArgumentParser()
    for name in ("--input", "--output", "--params"):
        parser.add_argument(name)
    told = parser.parse_args()
    with cluster() as client:
        numbers = rows.read(told.input, "n").column("n").to_pylist()
        parts = [sorted(numbers)[at : at + 10] for at in range(0, len(numbers), 10)]
        total = sum(client.gather(client.map(sum, parts)))
        workers = list(client.scheduler_info()["workers"].values())
        row = {
            "total": total,
            "workers": len(workers),
            "threads": workers[0]["nthreads"],
            "mib": workers[0]["memory_limit"] >> 20,
        }
        rows.write(told.output, {name: [value] for name, value in row.items()})


if __name__ == "__main__":
    main()
'''


@dataclass(frozen=True)
class Devices:
    """The study, deployed."""

    house: House

    def rows(self, stage: str) -> list[dict[str, Any]]:
        """A stage's table."""
        athena = Athena(self.house.client("athena"), "headrace-devices", "devices")
        found: list[dict[str, Any]] = athena.ask(f"SELECT * FROM {stage}").rows.to_pylist()
        return found

    def submit(self, gpus: int) -> str:
        """Submit a job of the Gpu stage's definition that asks for so many."""
        needs = [("GPU", gpus), ("VCPU", 1), ("MEMORY", 500)]
        job = self.house.client("batch").submit_job(
            jobName="more",
            jobQueue="headrace-devices-gpu",
            jobDefinition="headrace-devices-picked",
            containerOverrides={
                "resourceRequirements": [{"type": k, "value": str(v)} for k, v in needs],
            },
        )
        return str(job["jobId"])

    def describe(self, job: str) -> dict[str, Any]:
        """A job as Batch tells of it."""
        told: dict[str, Any] = self.house.client("batch").describe_jobs(jobs=[job])["jobs"][0]
        return told

    def reason(self, job: str) -> str:
        """Why a job waits, once Batch says so."""
        deadline = time.monotonic() + 10
        while not (told := self.describe(job)).get("statusReason"):
            assert time.monotonic() < deadline, told["status"]
            time.sleep(0.1)
        assert told["status"] == "RUNNABLE"
        return str(told["statusReason"])


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devices]:
    """The study, deployed on a cloud whose machine has two GPUs, and run."""
    root, driver = tmp_path_factory.mktemp("devices"), tmp_path_factory.mktemp("driver")
    (driver / "nvidia-smi").write_text(SMI)
    (driver / "nvidia-smi").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{driver}{os.pathsep}{os.environ['PATH']}")
        house = build(root)
    try:
        _study(root)
        house.headrace("deploy", "devices")
        house.client("s3").put_object(Bucket=BUCKET, Key="files/numbers/1.txt", Body=b"1")
        house.headrace("run", "devices")
        yield Devices(house)
    finally:
        house.headrace("down", check=False)


def _study(root: Path) -> None:
    if not (root / "tasks").exists():
        shutil.copytree(PROJECT / "tasks", root / "tasks")
    folder = root / "studies" / "devices"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""A study of the tests\' own."""\n')
    for name, text in (("study", STUDY), ("pick", PICK), ("total", TOTAL)):
        (folder / f"{name}.py").write_text(text)


def test_a_gpu_stage_sees_the_gpu_that_it_was_given(devices: Devices) -> None:
    assert devices.rows("picked") == [{"cuda": "GPU-a", "nvidia": "GPU-a", "workers": "1"}]


def test_a_dask_stage_has_its_workers(devices: Devices) -> None:
    # Of 3,000 MiB rounded up to Fargate's next size.
    (row,) = devices.rows("summed")
    mib = row.pop("mib")
    assert row == {"total": 5050, "workers": 2, "threads": 2}
    assert 1000 < mib < 8192 / 2


def test_a_run_may_have_more_workers_and_ranks_follow(devices: Devices) -> None:
    devices.house.headrace("run", "devices", "--stage", "summed", "--workers", "3")
    (row,) = devices.rows("summed")
    assert (row["total"], row["workers"]) == (5050, 3)


def test_nobody_says_how_many_work_at_a_gpu_stage(devices: Devices) -> None:
    words = ("run", "devices", "--stage", "picked", "--workers", "2")
    done = devices.house.headrace(*words, check=False)
    assert done.returncode != 0
    assert "stage picked, found that it is of kind gpu" in done.stderr


def test_jobs_wait_for_gpus_and_say_so(devices: Devices) -> None:
    batch = devices.house.client("batch")
    never = devices.submit(3)
    try:
        assert devices.reason(never).endswith(
            "(vCPU/memory/GPU) is higher than that can be met by the CE(s) attached to the job "
            "queue: asks 3 GPUs, the largest host offers 2 (this machine)"
        )
    finally:
        batch.terminate_job(jobId=never, reason="seen")


def test_the_plan_says_what_it_is_on(devices: Devices) -> None:
    stages = {s["name"]: s for s in devices.house.facts("plan", "devices")["run"]["stages"]}
    assert stages["picked"]["queue"] == "headrace-devices-gpu"
    assert (stages["picked"]["gpus"], stages["picked"]["usd_h"]) == (1, 0.526)
    assert stages["summed"]["queue"] == "headrace-devices-fargate"
