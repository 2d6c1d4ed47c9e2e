"""What becomes of a job: its outcome is told, whatever its ranks do, and nothing of it stays."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.integration.mpi_jobs import Job, left, mapped, shared_memory

HEAD = """
import os, signal, sys, time
from mpi4py import MPI
comm = MPI.COMM_WORLD
comm.Barrier()
"""
#: What rank 1 does while the others wait for it, and what is told of it.
ENDS = {
    "raises": ("raise ValueError('no\\nsuch life')", "ValueError: no such life", "x.py:7"),
    "is killed": ("os.kill(os.getpid(), 9)", "killed by signal 9 (SIGKILL), as a ke", None),
    "crashes": ("os.kill(os.getpid(), 11)", "killed by signal 11 (SIGSEGV)", "x.py:7"),
    "leaves": ("os._exit(0)", "left by itself with exit code 0, before its program's end", None),
    "leaves with 3": ("os._exit(3)", "left by itself with exit code 3", None),
    "says no": ("sys.exit('no more')", "SystemExit: no more", "x.py:7"),
    "can't import": ("import nothing_of_the_kind", "ModuleNotFoundError: No module", "x.py:7"),
}


@pytest.mark.parametrize("what", ENDS)
def test_a_rank_that_ends_early_ends_all_and_is_named(tmp_path: Path, what: str) -> None:
    does, reason, where = ENDS[what]
    before = shared_memory()
    job = Job(tmp_path, f"{HEAD}if comm.rank == 1:\n    {does}\ncomm.Barrier()\n")
    code, log = job.run()
    told = job.failed()
    place = where and f"tasks/mpi/{where}"
    assert (code, told["rank"], told["where"]) == (1, 1, place)
    assert told["reason"].startswith(reason)
    assert log[-1] == f"headrace: rank 1: {told['reason']}" + (f" ({place})" if place else "")
    assert [name for name in shared_memory() - before if not mapped(name)] == []


def test_a_job_that_ends_well_says_so_last(tmp_path: Path) -> None:
    code, log = Job(tmp_path, f"{HEAD}print('here', comm.rank, os.getcwd())\n").run()
    assert code == 0
    assert {line.rpartition(" ")[0] for line in log} == {f"[{n}] here {n}" for n in range(3)}
    assert Job(tmp_path, "").written() == {"facts/boot.json", "libraries.json", "out/_SUCCESS"}


def test_a_hang_names_the_rank_that_is_elsewhere(tmp_path: Path) -> None:
    text = f"{HEAD}while comm.rank == 2:\n    pass\ncomm.Barrier()\n"
    job = Job(tmp_path, text, ("--ranks", "3", "--timeout-s", "4"))
    started = time.monotonic()
    code, log = job.run()
    assert time.monotonic() - started < 30
    told = job.failed()
    assert (code, told["rank"]) == (1, 2)
    assert told["where"] in ("tasks/mpi/x.py:6", "tasks/mpi/x.py:7")
    assert told["reason"].startswith("no end after 4 s: rank 2 is elsewhere than most, who are at")
    assert "tasks/mpi/x.py:8" in told["reason"]
    for rank in range(3):  # all places are in the log
        assert any(line.startswith(f"[{rank}]") and "tasks/mpi/x.py" in line for line in log)


def test_of_two_ranks_the_one_that_waits_is_not_the_cause(tmp_path: Path) -> None:
    text = f"{HEAD}while comm.rank == 0:\n    time.sleep(0.1)\ncomm.Barrier()\n"
    job = Job(tmp_path, text, ("--ranks", "2", "--timeout-s", "3"))
    assert job.run()[0] == 1
    assert job.failed()["rank"] == 0


def test_one_process_needs_no_ranks(tmp_path: Path) -> None:
    words = ("--timeout-s", "60")
    text = "import os\nprint('child', os.environ['AWS_BATCH_JOB_ARRAY_INDEX'])\n"
    job = Job(tmp_path, text, words)
    assert job.run(AWS_BATCH_JOB_ARRAY_INDEX="1") == (0, ["child 1"])
    assert job.written() == {"out/_SUCCESS.1"}
    assert job.run(AWS_BATCH_JOB_ARRAY_INDEX="0")[0] == 0
    assert job.written() == {
        *("out/_SUCCESS.0", "out/_SUCCESS.1", "facts/boot.json", "libraries.json"),
    }


def test_one_process_that_fails(tmp_path: Path) -> None:
    job = Job(tmp_path, "def f():\n    1 / 0\nf()\n", ("--timeout-s", "60"))
    code, log = job.run()
    assert (code, log[-1]) == (
        *(1, "headrace: rank 0: ZeroDivisionError: division by zero (tasks/mpi/x.py:2)"),
    )


def test_an_archive_that_cannot_be_fetched_is_worth_another_try(tmp_path: Path) -> None:
    with Job(tmp_path, "").start("nowhere.zip") as process:
        log = process.communicate(timeout=60)[0]
    assert process.returncode == 75
    assert "nowhere.zip, found FileNotFoundError" in log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ranks_end_with_what_started_them(tmp_path: Path, number: int) -> None:
    job = Job(tmp_path, f"{HEAD}print('begun', flush=True)\ntime.sleep(100)\n")
    with job.start() as process:
        assert process.stdout
        assert "begun" in process.stdout.readline()
        os.kill(process.pid, number)
        assert process.wait(30) == (143 if number == signal.SIGTERM else -9)
        until = time.monotonic() + 10
        while left(job.environment) and time.monotonic() < until:
            time.sleep(0.05)
        assert left(job.environment) == []


def test_the_next_job_finds_the_program_as_it_was(tmp_path: Path) -> None:
    text = "import os\nprint(os.environ['BOOT_ROOT'])\ntry:\n    open(__file__, 'a').write('#')\n"
    text += "except PermissionError:\n    pass\n"
    job = Job(tmp_path, text, ("--timeout-s", "60"))
    assert job.run() == job.run()
    if os.getuid():  # root may write what nobody may
        assert next(tmp_path.rglob("x.py")).read_text() == text


def test_python_is_the_one_that_runs_boot(tmp_path: Path) -> None:
    job = Job(tmp_path, "import sys\nprint(sys.executable)\n", ("--timeout-s", "60"))
    assert job.run()[1] == [sys.executable]
