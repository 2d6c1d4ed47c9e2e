"""The programs of tasks/dask, started as `boot` starts them: by the image's Python, on ranks."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PROJECT = Path(__file__).resolve().parents[2]
DASK = PROJECT / "tasks" / "dask"
#: Of a container, so that two workers have as little as works.
MEMORY_MIB = 2560


@functools.cache
def python() -> Path:
    """The image's Python, or that of TASKS_DASK_PYTHON; skips the test where there is none."""
    if given := os.environ.get("TASKS_DASK_PYTHON"):
        return Path(given)
    told = [sys.executable, "-m", "localcloud.engines.images", "where", "tasks/dask"]
    environment = {"LOCALCLOUD_IMAGES": str(PROJECT / ".cache" / "images")} | os.environ
    done = subprocess.run(
        told, cwd=PROJECT, env=environment, text=True, capture_output=True, check=False
    )
    found = Path(done.stdout.strip() or "nowhere")
    if done.returncode or not found.is_file():
        pytest.skip(f"the image tasks/dask is not built (make setup): {done.stderr[-200:]}")
    return found


@dataclass(frozen=True)
class Done:
    """How a program ended, what it wrote, and what it left running."""

    code: int
    log: str
    output: Path

    @property
    def table(self) -> pa.Table:
        """What it wrote."""
        return pq.read_table(self.output)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its rows."""
        found: list[dict[str, Any]] = self.table.to_pylist()
        return found

    @property
    def facts(self) -> dict[str, Any]:
        """What it noted."""
        found: dict[str, Any] = {}
        for path in (self.output.parent / "facts").glob("*.json"):
            found |= json.loads(path.read_text())
        return found

    @property
    def part(self) -> bytes:
        """The only file of its output."""
        return (self.output / "part-00000.parquet").read_bytes()


def put(folder: Path, files: int = 1, **columns: Sequence[Any]) -> Path:
    """Write a table as Athena would: in files of about the same size."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.table(dict(columns))
    each = -(-table.num_rows // files)
    for at in range(files):
        part = table.slice(at * each, each)
        pq.write_table(part, folder / f"{at}-{os.urandom(4).hex()}.parquet", row_group_size=1000)
    return folder


def environment(folder: Path, workers: int | None, **more: str) -> dict[str, str]:
    """As a container's, with a folder of its own to spill to."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEADRACE_", "DASK_", "AWS_"))}
    told = {"HEADRACE_SEED": "25", "HEADRACE_MEMORY_MIB": str(MEMORY_MIB)}
    if workers is not None:
        told["HEADRACE_WORKERS"] = str(workers)
    path = {"PYTHONPATH": str(PROJECT), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": ""}
    return kept | path | told | more


def command(program: Path, workers: int | None, *words: str) -> list[str]:
    """The words that start a program on ranks; on a cluster of this machine, without workers."""
    start = [str(python()), str(program), *words]
    if workers is None:
        return start
    return [str(python().parent / "mpiexec"), "-l", "-n", str(workers + 2), *start]


def run(
    program: str | Path,
    source: Path,
    folder: Path,
    params: dict[str, Any],
    workers: int | None = 2,
    **more: str,
) -> Done:
    """Run a program to its end; fails the test where a process of it is left."""
    path = DASK / f"{program}.py" if isinstance(program, str) else program
    output = folder / "out"
    words = [
        "--input",
        source.as_uri(),
        "--output",
        output.as_uri(),
        "--params",
        json.dumps(params),
    ]
    spill = Path(tempfile.mkdtemp(prefix="spill-", dir=folder.parent))
    ended = subprocess.run(
        command(path, workers, *words),
        env=environment(spill, workers, **more),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=240,
    )
    assert not left(spill), ended.stdout
    return Done(ended.returncode, ended.stdout, output)


def left(spill: Path, wait_s: float = 10) -> list[str]:
    """The processes that still have a folder as theirs, after a while."""
    until = time.monotonic() + wait_s
    while (found := _those(spill)) and time.monotonic() < until:
        time.sleep(0.2)
    return found


def _those(spill: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(spill):
                found.append(f"{process.pid} {' '.join(process.cmdline())}")
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


@dataclass(frozen=True)
class Call:
    """A program to be run by the driver."""

    program: str
    source: Path
    folder: Path
    params: dict[str, Any]
    workers: int = 2


def answers(*calls: Call) -> list[Done]:
    """Run programs in one process; their log is an error's text."""
    told = [
        {
            "program": call.program,
            "source": str(call.source),
            "output": str(call.folder / "out"),
            "params": call.params,
            "workers": call.workers,
        }
        for call in calls
    ]
    spill = Path(tempfile.mkdtemp(prefix="spill-", dir=calls[0].folder.parent))
    ended = subprocess.run(
        [str(python()), str(Path(__file__).with_name("dask_driver.py"))],
        env=environment(spill, None),
        input=json.dumps(told),
        text=True,
        capture_output=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr
    errors = [each["error"] for each in json.loads(ended.stdout)]
    return [
        Done(int(error is not None), error or "", call.folder / "out")
        for error, call in zip(errors, calls, strict=True)
    ]
