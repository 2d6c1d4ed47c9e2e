"""Dask on ranks and on this machine: what spills, who is killed, and that nothing is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest

from tests.integration.dask_programs import command, environment, left, put, run

pytestmark = [
    pytest.mark.slow,  # processes started and killed, for two minutes
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked for in /proc"),
]

HELPERS = """
import os
import signal
import time
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
from distributed import wait

from tasks.dask.program import main
"""
MAIN = """
if __name__ == "__main__":
    main(work)
"""


def written(folder: Path, body: str) -> Path:
    path = folder / "program.py"
    path.write_text(HELPERS + textwrap.dedent(body) + MAIN)
    return path


def test_ranks_and_processes_of_this_machine_give_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(25)
    columns: dict[str, Any] = {
        "time": rng.integers(1900, 1950, 3000),
        "value": rng.normal(size=3000),
    }
    asked = {"bin": 10, "resamples": 100, "partition_rows": 500}
    source = put(tmp_path / "in", 3, **columns)
    ranks = run("trend", source, tmp_path / "2", asked, workers=2)
    alone = run("trend", source, tmp_path / "0", asked, workers=None, HEADRACE_WORKERS="1")
    assert (ranks.code, alone.code) == (0, 0), ranks.log + alone.log
    assert ranks.part == alone.part
    assert (ranks.facts["workers"], alone.facts["workers"]) == (2, 1)
    assert ranks.log == ""  # Dask's own chatter helps nobody


def test_too_few_ranks_too_little_memory_and_no_rapids_are_said(tmp_path: Path) -> None:
    source = put(tmp_path / "in", value=[1.0])
    few = run("describe", source, tmp_path / "a", {}, workers=0, HEADRACE_WORKERS="1")
    assert few.code != 0
    assert "found 2 ranks" in few.log
    small = run("describe", source, tmp_path / "b", {}, workers=1, HEADRACE_MEMORY_MIB="900")
    assert small.code != 0
    assert "Give the stage memory_mib=1120 or" in small.log
    on_gpus = run("describe", source, tmp_path / "c", {}, workers=None, HEADRACE_GPU="1")
    assert on_gpus.code != 0
    assert "While starting a cluster on GPUs, found no cudf" in on_gpus.log


def test_what_does_not_fit_in_memory_is_spilled(tmp_path: Path) -> None:
    """640 MB on two workers of 496 MiB each, of which Python and pandas take 230."""
    program = written(
        tmp_path,
        """
        def held(dask_worker):
            return dask_worker.data.spilled_total.disk, dask_worker.memory_manager.memory_limit

        def work(program):
            x = da.ones((80, 1_000_000), chunks=(2, 1_000_000)) * np.arange(80)[:, None]
            x = program.client.persist(x)
            wait(x)
            told = program.client.run(held).values()
            return {
                "total": [float(x.sum().compute())],
                "spilled": [sum(disk for disk, _ in told)],
                "limit": [max(limit for _, limit in told)],
            }
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
    time.sleep(0.25)
    return i

def work(program):
    folder = Path(program.params["folder"])
    found = dask.compute(*[dask.delayed(slow)(i, folder) for i in range(24)])
    return {"total": [sum(found)]}
"""


@contextlib.contextmanager
def begun(folder: Path, workers: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A program at work, and the process of one of its workers; nothing of it is left."""
    program, seen, spill = written(folder, SLOW), folder / "seen", folder / "spill"
    seen.mkdir()
    spill.mkdir()
    words = ["--input", folder.as_uri(), "--output", (folder / "out").as_uri()]
    words += ["--params", f'{{"folder": "{seen}"}}']
    told, surroundings = command(program, workers, *words), environment(spill, workers)
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        told, env=surroundings, stdout=pipe, stderr=subprocess.STDOUT, text=True
    )
    try:
        until = time.monotonic() + 100
        while not (pids := list(seen.iterdir())) and time.monotonic() < until:
            time.sleep(0.05)
        yield process, int(pids[0].name)
    finally:
        process.kill()
        process.wait()
    assert not left(spill)


def test_a_worker_that_is_killed_is_started_anew_and_its_tasks_done(tmp_path: Path) -> None:
    with begun(tmp_path, 2) as (process, worker):
        os.kill(worker, signal.SIGKILL)
        log, _ = process.communicate(timeout=150)
        assert process.returncode == 0, log
    assert pq.read_table(tmp_path / "out")["total"].to_pylist() == [sum(range(24))]
    assert len(list((tmp_path / "seen").iterdir())) >= 2


def test_a_rank_that_is_killed_ends_all_of_them(tmp_path: Path) -> None:
    with begun(tmp_path, 1) as (process, worker):
        nanny = psutil.Process(worker).parent()
        assert nanny is not None
        nanny.kill()
        log, _ = process.communicate(timeout=100)
        assert process.returncode != 0, log
    assert not (tmp_path / "out").exists()


def test_a_task_that_kills_its_workers_ends_the_program(tmp_path: Path) -> None:
    program = written(
        tmp_path,
        """
        def die(i):
            os.kill(os.getpid(), signal.SIGKILL)

        def work(program):
            return {"none": dask.compute(dask.delayed(die)(1, dask_key_name="die-1"))}
        """,
    )
    done = run(program, tmp_path, tmp_path / "o", {})
    assert done.code != 0
    assert "Attempted to run task 'die-1' on 3 different workers" in done.log
    assert not done.output.exists()
