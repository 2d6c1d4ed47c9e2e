"""Runs tasks/mpi/roofline.py: as a job on a study's queue, or on this machine."""

from __future__ import annotations

import io
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from headrace.lake import get_json, listed
from headrace.plan import ROOT, Plan, StagePlan
from headrace.roofline.roofs import Roofline, RooflineError, of_rows

MAIN = "tasks/mpi/roofline.py"
IMAGE = "tasks/mpi"
#: Seconds that the program may take, and that its job may wait for a container besides.
TIMEOUT_S, WAIT_S = 600, 1200
POLL_S = 1.0
_ENDED = ("SUCCEEDED", "FAILED")


def stage_for(plan: Plan, batch: Any) -> StagePlan | None:
    """A stage whose job definition is deployed and can run the program; none where none is.

    One container alone: a job of many nodes is no place for a program of one.
    """
    for stage in plan.tasks:
        if stage.image == IMAGE and stage.queue in ("fargate", "spot"):
            name = plan.job_definition(stage.name)
            told = batch.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")
            if told["jobDefinitions"]:
                return stage
    return None


@dataclass(frozen=True)
class JobProbe:
    """The program as a job.

    Parameters
    ----------
    plan : Plan
    stage : StagePlan
        Whose job definition and queue it takes: so it is the machine that stages get.
    client : callable
        Makes a boto3 client of a service.
    bucket : str
        The lake's.
    sleep : callable
    """

    plan: Plan
    stage: StagePlan
    client: Callable[[str], Any]
    bucket: str
    sleep: Callable[[float], None] = time.sleep

    def run(self, say: Callable[[str], None]) -> Roofline:
        """Run it, and read what it wrote; nothing of it stays in the lake.

        Raises
        ------
        RooflineError
            Where the job fails, or gets no container.
        """
        s3, under = self.client("s3"), f"runs/roofline-{secrets.token_hex(4)}/probe/1/"
        try:
            s3.put_object(Bucket=self.bucket, Key=f"{under}program.zip", Body=packed())
            self._follow(self._submit(under), say)
            table = pq.read_table(io.BytesIO(_part(s3, self.bucket, f"{under}out/")))
            facts = get_json(s3, self.bucket, f"{under}facts/roofline.json") or {}
        finally:
            for one in listed(s3, self.bucket, under):
                s3.delete_object(Bucket=self.bucket, Key=one["Key"])
        where = f"the queue {self.plan.job_queue(self.stage.queue)}, as stage {self.stage.name}"
        return of_rows(table.to_pylist(), where, facts)

    def _submit(self, under: str) -> str:
        uri = f"s3://{self.bucket}/{under}"
        params = {"cores": max(1, int(self.stage.deployed()["vcpus"]))}
        command = ["--program", f"{uri}program.zip", "--main", MAIN, "--timeout-s", str(TIMEOUT_S)]
        command += ["--input", f"{uri}in/", "--output", f"{uri}out/"]
        told = self.client("batch").submit_job(
            jobName=f"{self.plan.prefix}-roofline",
            jobQueue=self.plan.job_queue(self.stage.queue),
            jobDefinition=self.plan.job_definition(self.stage.name),
            containerOverrides={"command": [*command, "--params", json.dumps(params)]},
        )
        return str(told["jobId"])

    def _follow(self, job: str, say: Callable[[str], None]) -> None:
        batch, said, deadline = self.client("batch"), "", time.monotonic() + TIMEOUT_S + WAIT_S
        try:
            while True:
                told = batch.describe_jobs(jobs=[job])["jobs"][0]
                status = f"{told['status']} {told.get('statusReason', '')}".strip()
                if status != said:
                    said = status
                    say(f"Job {job}: {status}")
                if told["status"] in _ENDED:
                    break
                if time.monotonic() > deadline:
                    raise RooflineError(
                        f"waiting for job {job}",
                        f"it {status} after {TIMEOUT_S + WAIT_S} s",
                        "Look at its queue, or measure --here.",
                    )
                self.sleep(POLL_S)
        except BaseException:
            batch.terminate_job(jobId=job, reason="headrace roofline was ended")
            raise
        if told["status"] == "FAILED":
            reason = told.get("container", {}).get("reason") or told.get("statusReason")
            raise RooflineError(
                f"measuring by job {job}",
                f"that it failed: {reason}",
                f"See its log in {self.plan.job_logs}, or measure --here.",
            )


def packed() -> bytes:
    """The program's archive: the sources of its folder."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in [ROOT / "tasks/__init__.py", *sorted((ROOT / IMAGE).glob("*.py"))]:
            archive.writestr(path.relative_to(ROOT).as_posix(), path.read_bytes())
    return out.getvalue()


def python_here() -> str:
    """A Python of this machine that has what the program needs.

    The environment of the image, where it is built; else this Python, where it has numba.

    Raises
    ------
    RooflineError
        Where neither has it.
    """
    words = [sys.executable, "-m", "localcloud.engines.images", "where", IMAGE]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    found = told.stdout.strip()
    for python in (found, sys.executable):
        if python and Path(python).is_file() and _has_numba(python):
            return python
    raise RooflineError(
        "looking for a Python that has numba",
        f"none: the environment of {IMAGE} is not built, and {sys.executable} lacks it",
        "Build it with `make setup`.",
    )


def _has_numba(python: str) -> bool:
    words = [python, "-c", "import numba, numpy, pyarrow, mpi4py"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def run_here(
    environment: Mapping[str, str], s3: Any = None, bucket: str = "", cores: int | None = None
) -> Roofline:
    """Run the program on this machine.

    Parameters
    ----------
    environment : mapping
        By which it finds S3; the target's.
    s3 : S3 client, optional
        With it and a bucket, S3 is measured too; what is written there is deleted.
    bucket : str
        The lake's.
    cores : int, optional
        All that there are if not given.

    Raises
    ------
    RooflineError
        Where it fails.
    """
    python, params = python_here(), json.dumps({"cores": cores} if cores else {})
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env |= {**environment, "PYTHONPATH": str(ROOT)}
    under = f"runs/roofline-{secrets.token_hex(4)}/probe/1/"
    with tempfile.TemporaryDirectory() as folder:
        output = f"s3://{bucket}/{under}out/" if s3 else f"{Path(folder).as_uri()}/out/"
        words = [python, str(ROOT / MAIN), "--output", output, "--params", params]
        told = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        if told.returncode:
            _clear(s3, bucket, under)
            last = (told.stderr.strip().splitlines() or ["nothing"])[-1]
            raise RooflineError(
                f"measuring this machine by {python}", f"that it failed: {last}", "Mend that."
            )
        if s3 is None:
            rows = pq.read_table(Path(folder) / "out").to_pylist()
            facts = json.loads((Path(folder) / "facts" / "roofline.json").read_text())
        else:
            rows = pq.read_table(io.BytesIO(_part(s3, bucket, f"{under}out/"))).to_pylist()
            facts = get_json(s3, bucket, f"{under}facts/roofline.json") or {}
            _clear(s3, bucket, under)
    return of_rows(rows, "this machine", facts)


def _clear(s3: Any, bucket: str, under: str) -> None:
    for one in listed(s3, bucket, under) if s3 else ():
        s3.delete_object(Bucket=bucket, Key=one["Key"])


def _part(s3: Any, bucket: str, out: str) -> bytes:
    """The Parquet that the program wrote."""
    for one in listed(s3, bucket, out):
        if one["Key"].endswith(".parquet"):
            body: bytes = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            return body
    raise RooflineError(f"reading s3://{bucket}/{out}", "no Parquet there", "Measure it again.")
