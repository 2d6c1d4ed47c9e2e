"""The folder that `headrace slurm` writes, used by a plain shell, or by Slurm where it answers."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace import plan as plans
from headrace.plan import ROOT
from headrace.slurm import bring_back, folder, script, stage_in
from headrace.slurm.functions import Try
from headrace.stages import Batch, Mpi
from infra import programs

PLAN = plans.load("health")
WALKS = PLAN.stage("random_walks")
pytestmark = pytest.mark.skipif(shutil.which("mpiexec") is None, reason="no MPI here")


def slurm_answers() -> bool:
    """Whether this machine is part of a cluster that takes jobs."""
    return shutil.which("sbatch") is not None and (
        subprocess.run(["sinfo"], capture_output=True, check=False).returncode == 0
    )


def written(to: Path, ranks: int, walks: list[int], **params: Any) -> Path:
    """A folder as `--out` writes it, of the study's walks with an input of the test's own."""
    assert isinstance(WALKS.stage, Mpi)
    given = dict(WALKS.stage.params) | params
    task = dataclasses.replace(WALKS.stage, timeout_s=60, params=given, memory_mib=500)
    (to / "input").mkdir(parents=True)
    pq.write_table(pa.table({"walk": walks}), to / "input" / "rows 1.parquet")
    data = (to / "input" / "rows 1.parquet").read_bytes()
    uri = "s3://lake/in/rows 1.parquet"
    staged = [stage_in.Staged(hashlib.sha256(data).hexdigest(), len(data), "rows 1.parquet", uri)]
    command = ["--program", "s3://cdk/1.zip", "--main", task.program, "--ranks", "2"]
    command += ["--timeout-s", "60", "--params", json.dumps(given)]
    prepared = {"prefix": "p/", "job": {"command": command}}
    this = Try("health", "random_walks", {"run": "r"}, "lake", prepared, None, {}, ranks)
    text = script.script("walks", script.allocation(task, ranks, None), command, 25, ranks)
    archive = programs.sources(WALKS, to.parent / "cache").path.read_bytes()
    names = ["study", "stage", "seed", "run", "workers_words", "files", "bytes", "folder", "name"]
    folder.write(to, this, staged, "tasks/mpi", text, archive, dict.fromkeys(names, "x"))
    return to


#: Each copy writes its number and how many there are.
COPY = """
import os, sys
import pyarrow as pa, pyarrow.parquet as pq
from pyarrow import fs
number = int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))
system, path = fs.FileSystem.from_uri(sys.argv[sys.argv.index("--output") + 1].rstrip("/"))
system.create_dir(path)
table = pa.table({"number": [number], "of": [int(os.environ["HEADRACE_WORKERS"])]})
pq.write_table(table, f"{path}/part-{number:05}.parquet")
"""


def copies(to: Path, size: int) -> Path:
    """A folder of a Batch stage, as `--out` writes it."""
    task = Batch("copies", "tasks/mpi/share_out.py", "s3://lake/in/", object_of(), size=size)
    (to / "input").mkdir(parents=True)
    command = ["--program", "s3://cdk/1.zip", "--main", task.program]
    command += ["--timeout-s", "60", "--params", "{}"]
    prepared = {"prefix": "p/", "job": {"command": command}}
    this = Try("health", "copies", {"run": "r"}, "lake", prepared, None, {}, size)
    asked = script.allocation(task, size, None)
    text = script.script("copies", asked, command, 25, size)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(task.program, COPY)
    names = ["study", "stage", "seed", "run", "workers_words", "files", "bytes", "folder", "name"]
    folder.write(to, this, [], "tasks/mpi", text, packed.getvalue(), dict.fromkeys(names, "x"))
    return to


def object_of() -> type:
    """Rows of a copy."""
    return dataclasses.make_dataclass("Copy", [("number", int), ("of", int)])


def staged_in(to: Path) -> Path:
    """The folder after stage_in.sh, with this environment's packages for those of the lock."""
    (to / "venv" / "bin").mkdir(parents=True)
    shim = f'#!/bin/bash\nexec {sys.executable} "$@"\n'
    (to / "venv" / "bin" / "python").write_text(shim)
    (to / "venv" / "bin" / "python").chmod(0o755)
    sums = ("stage-in.tsv", "requirements.txt", "program.zip", "job.sbatch")
    done = subprocess.run(["sha256sum", *sums], cwd=to, capture_output=True, check=True)
    (to / "ready").write_bytes(done.stdout)
    return to


def submitted(to: Path, **more: str) -> str:
    """Run the job; gives its log. Slurm itself sets what `more` says in its place."""
    if slurm_answers():
        subprocess.run(["sbatch", "--wait", "job.sbatch"], cwd=to, check=False, timeout=200)
        return "".join(p.read_text() for p in (to / "log").iterdir())
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | more
    done = subprocess.run(
        ["bash", "job.sbatch"],
        cwd=to,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=200,
    )
    return done.stdout


def rows(to: Path) -> list[dict[str, Any]]:
    """What the job wrote."""
    found: list[dict[str, Any]] = pq.read_table(to / "result" / "out").to_pylist()
    return found


def left(to: Path) -> list[str]:
    """Processes that have the folder in their command."""
    told = (p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"]))
    return [" ".join(words) for words in told if any(str(to) in word for word in words)]


def test_ranks_give_the_same_rows_through_a_path_with_blanks(tmp_path: Path) -> None:
    walks = list(range(17, -1, -1))
    one, three = (written(tmp_path / f"on {n}", n, walks) for n in (1, 3))
    logs = [submitted(staged_in(to)) for to in (one, three)]
    bring_back.check(one, "mpi", 1)
    bring_back.check(three, "mpi", 3)
    assert rows(one) == rows(three), logs
    assert [row["walk"] for row in rows(three)] == list(range(18))
    told = json.loads((three / "result" / "slurm.json").read_text())
    assert bool(told["job"]) == slurm_answers()
    assert "program_s" in json.loads((three / "result" / "facts" / "boot.json").read_text())
    assert json.loads((three / "result" / "libraries.json").read_text())["numpy"]


def test_a_job_that_fails_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    to = staged_in(written(tmp_path / "bad", 2, [1, 2, 2]))
    log = submitted(to)
    assert "headrace: rank 0: " in log.splitlines()[-1]
    with pytest.raises(bring_back.BackError, match=r"rank 0: .* number 2 more than once"):
        bring_back.check(to, "mpi", 2)
    assert not list((to / "result").rglob("*.parquet"))
    assert left(to) == []


def test_a_job_that_is_submitted_again_begins_anew(tmp_path: Path) -> None:
    to = staged_in(written(tmp_path / "again", 2, [1, 2]))
    (to / "result" / "out").mkdir(parents=True)
    (to / "result" / "out" / "part-00007.parquet").write_text("of an earlier one")
    (to / "result" / "failed.json").write_text("{}")
    submitted(to)
    assert len(rows(to)) == 2
    assert not (to / "result" / "failed.json").exists()


@pytest.mark.parametrize("size", [1, 3])
def test_copies_are_an_array_of_which_each_does_its_share(tmp_path: Path, size: int) -> None:
    to = staged_in(copies(tmp_path / "copies", size))
    if slurm_answers() or size == 1:
        log = submitted(to)
    else:
        log = "".join(submitted(to, SLURM_ARRAY_TASK_ID=str(n)) for n in range(size))
    bring_back.check(to, "batch", size)
    assert rows(to) == [{"number": n, "of": size} for n in range(size)], log


def test_a_job_is_refused_from_elsewhere_and_where_the_folder_has_changed(tmp_path: Path) -> None:
    to = staged_in(written(tmp_path / "new", 2, [1]))
    told = subprocess.run(
        ["bash", str(to / "job.sbatch")],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        text=True,
        capture_output=True,
        check=False,
    )
    assert told.returncode == 2
    assert "Submit the job from within its folder" in told.stderr
    (to / "program.zip").write_bytes(b"another")
    told = subprocess.run(
        ["bash", "job.sbatch"], cwd=to, text=True, capture_output=True, check=False
    )
    assert told.returncode == 2
    assert "changed since" in told.stderr
    assert not (to / "result").exists()


class TestStageIn:
    def run(self, to: Path, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, **more}
        return subprocess.run(
            [str(to / "stage_in.sh")], env=environment, text=True, capture_output=True, check=False
        )

    def test_makes_a_folder_ready_without_internet(self, tmp_path: Path) -> None:
        to = written(tmp_path / "new", 2, [1])
        (to / "requirements.txt").write_text("# nothing\n")
        (to / "wheels").mkdir()  # filled elsewhere
        told = self.run(to)
        assert told.returncode == 0, told.stderr
        assert (to / "venv" / "bin" / "python").exists()
        assert "program.zip" in (to / "ready").read_text()

    def test_refuses_an_input_that_was_changed_on_the_way(self, tmp_path: Path) -> None:
        to = written(tmp_path / "new", 2, [1])
        (to / "input" / "rows 1.parquet").write_bytes(b"half")
        told = self.run(to)
        assert told.returncode == 1
        assert "not those of stage-in.tsv" in told.stderr
        assert not (to / "venv").exists()
        assert not (to / "ready").exists()

    def test_fetches_what_was_not_copied(self, tmp_path: Path) -> None:
        to = written(tmp_path / "new", 2, [1])
        (to / "wheels").mkdir()
        (to / "requirements.txt").write_text("# nothing\n")
        shutil.move(to / "input" / "rows 1.parquet", tmp_path / "rows")
        shutil.rmtree(to / "input")
        # An `aws` that has the object and notes what it was asked for.
        aws = tmp_path / "bin" / "aws"
        aws.parent.mkdir()
        aws.write_text(f'#!/bin/bash\necho "$@" >{tmp_path}/asked\ncp {tmp_path}/rows "$5"\n')
        aws.chmod(0o755)
        told = self.run(to, PATH=f"{aws.parent}:{os.environ['PATH']}")
        assert told.returncode == 0, told.stderr
        asked = (tmp_path / "asked").read_text()
        assert asked.strip().endswith("s3://lake/in/rows 1.parquet input/rows 1.parquet")

    def test_installs_the_images_own_lock(self, tmp_path: Path) -> None:
        to = written(tmp_path / "new", 2, [1])
        lock = (ROOT / "tasks" / "mpi" / "requirements.txt").read_text()
        assert (to / "requirements.txt").read_text() == lock
        assert "--require-hashes" in (to / "stage_in.sh").read_text()
