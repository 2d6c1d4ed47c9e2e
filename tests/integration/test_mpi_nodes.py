"""A job on two nodes: two boots on this machine that know each other by Batch's variables."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

from tests.integration.mpi_jobs import Job, left

HEAD = """
import os, sys, time
from mpi4py import MPI
comm = MPI.COMM_WORLD
comm.Barrier()
"""


def nodes(
    job: Job, ids: tuple[str, str] = ("job", "job#1"), **env: str
) -> list[tuple[int, list[str]]]:
    """Run both, at 127.0.0.2 and 127.0.0.3; gives the exit's code and the log of each."""
    with socket.create_server(("127.0.0.2", 0)) as free:
        port = free.getsockname()[1]
    both: dict[str, Any] = {
        "AWS_BATCH_JOB_NUM_NODES": "2", "AWS_BATCH_JOB_MAIN_NODE_INDEX": "0",
        "BOOT_PORT": str(port), **env,
    }  # fmt: skip
    one = {"AWS_BATCH_JOB_ID": ids[0], "AWS_BATCH_JOB_NODE_INDEX": "0"}
    other = {
        "AWS_BATCH_JOB_ID": ids[1], "AWS_BATCH_JOB_NODE_INDEX": "1",
        "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS": "127.0.0.2",
    }  # fmt: skip
    with job.start(**both, **one) as main, job.start(**both, **other) as second:
        logs = [p.communicate(timeout=100)[0].splitlines() for p in (main, second)]
    assert left(job.environment) == []
    return [(main.returncode, logs[0]), (second.returncode, logs[1])]


def test_ranks_are_spread_and_each_has_its_own_nodes_environment(tmp_path: Path) -> None:
    text = f"{HEAD}print(comm.rank, comm.allreduce(1), os.environ['AWS_BATCH_JOB_NODE_INDEX'])\n"
    job = Job(tmp_path, text, ("--ranks", "3", "--timeout-s", "60"))
    (code, log), (other, _) = nodes(job)
    assert (code, other) == (0, 0)
    assert sorted(log) == ["[0] 0 3 0", "[1] 1 3 0", "[2] 2 3 1"]
    assert "out/_SUCCESS" in job.written()


def test_a_rank_of_the_other_node_that_raises_is_named(tmp_path: Path) -> None:
    text = f"{HEAD}if comm.rank == 2:\n    raise KeyError('life')\ncomm.Barrier()\n"
    job = Job(tmp_path, text)
    (code, log), (other, _) = nodes(job)
    assert code == 1
    assert other != 0
    assert log[-1] == "headrace: rank 2: KeyError: 'life' (tasks/mpi/x.py:7)"
    assert "[2] KeyError: 'life'" in log
    assert job.failed()["rank"] == 2


def test_a_rank_of_the_other_node_that_hangs_is_named(tmp_path: Path) -> None:
    text = f"{HEAD}while comm.rank == 2:\n    time.sleep(1)\ncomm.Barrier()\n"
    job = Job(tmp_path, text, ("--ranks", "3", "--timeout-s", "5"))
    assert nodes(job)[0][0] == 1
    assert job.failed()["rank"] == 2


def test_who_does_not_know_the_jobs_id_is_turned_away(tmp_path: Path) -> None:
    job = Job(tmp_path, HEAD, ("--ranks", "2", "--timeout-s", "4"))
    started = time.monotonic()
    (code, log), (other, called) = nodes(job, ("job", "another#1"))
    assert (code, other) == (75, 75)
    assert time.monotonic() - started < 30
    assert any("turned away: a caller does not know the job's id" in line for line in log)
    assert "found that 1 did not call within 4 s" in log[-1]
    assert "While calling the main node at 127.0.0.2:" in called[-1]
