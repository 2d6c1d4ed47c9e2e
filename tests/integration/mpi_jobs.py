"""MPI programs under mpiexec, and jobs under `boot`, as a container would start them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.integration.conftest import ROOT

MPIEXEC = Path(sys.executable).parent / "mpiexec"
MARK = "HEADRACE_TEST_MARK"


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a container has: nothing of AWS, and a home of its own."""
    drop = ("AWS_", "HEADRACE_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    mine = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
    return mine | {"HOME": str(home), MARK: uuid.uuid4().hex} | more


def left(environment: Mapping[str, str]) -> list[str]:
    """Processes that have this environment's mark."""
    mark, found = f"{MARK}={environment[MARK]}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it has just ended, or is another user's
            continue
    return found


def under_mpiexec(ranks: int, *words: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run Python on ranks; a test that hangs fails within a minute."""
    command = [str(MPIEXEC), "-n", str(ranks), sys.executable, *words]
    options: dict[str, Any] = {"text": True, "capture_output": True, "timeout": 60}
    return subprocess.run(command, check=False, **(options | settings))


def answer(
    folder: Path, program: str, source: Path, ranks: int, params: dict[str, Any] | None = None
) -> pa.Table:
    """The rows that a program of tasks/mpi writes when its ranks are called directly."""
    output = folder / f"{program}-{ranks}-{uuid.uuid4().hex[:6]}" / "out"
    done = under_mpiexec(
        ranks,
        str(ROOT / "tasks" / "boot" / "rank.py"),
        f"tasks/mpi/{program}.py",
        *("--input", source.as_uri() + "/", "--output", output.as_uri() + "/"),
        *("--params", json.dumps(params or {})),
        env=environment(folder, BOOT_ROOT=str(ROOT), HEADRACE_SEED="25"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return pq.read_table(output)


@dataclass
class Job:
    """A job of `boot`, whose program is a text.

    Parameters
    ----------
    folder : Path
        Where its archive, its home and its output are.
    text : str
        The program.
    """

    folder: Path
    text: str
    words: tuple[str, ...] = ("--ranks", "3", "--timeout-s", "60")
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with zipfile.ZipFile(self.folder / "archive.zip", "w") as archive:
            archive.writestr("tasks/mpi/x.py", self.text)
        self.environment = environment(self.folder, **self.env)

    def start(self, program: str = "archive.zip", **env: str) -> subprocess.Popen[str]:
        """Start it, as the image's entry point does."""
        uris = {"program": program, "input": "in/", "output": "try/out/"}
        told = [w for n, v in uris.items() for w in (f"--{n}", f"{self.folder.as_uri()}/{v}")]
        return subprocess.Popen(
            [sys.executable, "-m", "boot", "--main", "tasks/mpi/x.py", *told, *self.words],
            cwd=ROOT / "tasks",
            env=self.environment | env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, **env: str) -> tuple[int, list[str]]:
        """Run it to its end; gives the exit's code and the log's lines."""
        with self.start(**env) as process:
            log = process.communicate(timeout=100)[0]
        assert left(self.environment) == []
        return process.returncode, log.splitlines()

    def failed(self) -> dict[str, Any]:
        """Its failed.json; nothing says that it succeeded."""
        assert not list((self.folder / "try" / "out").glob("_SUCCESS*"))
        told: dict[str, Any] = json.loads((self.folder / "try" / "failed.json").read_text())
        return told

    def written(self) -> set[str]:
        """What it left beside and below its output."""
        files = (self.folder / "try").rglob("*")
        return {str(f.relative_to(self.folder / "try")) for f in files if f.is_file()}


def shared_memory() -> set[str]:
    """MPICH's segments of this machine."""
    return {f.name for f in Path("/dev/shm").glob("mpich_shm_*")}


def mapped(name: str) -> bool:
    """Whether a process that lives has a segment: other tests may run beside this one."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if name in (process / "maps").read_text(errors="replace"):
                return True
        except OSError:  # it has just ended, or is another user's
            continue
    return not (Path("/dev/shm") / name).exists()


def write(folder: Path, **columns: Iterable[Any]) -> Path:
    """One file of rows, named as UNLOAD names them."""
    folder.mkdir(parents=True)
    pq.write_table(pa.table({k: list(v) for k, v in columns.items()}), folder / "20261123_0")
    return folder
