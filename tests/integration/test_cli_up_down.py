"""`up`, `status`, `env` and `down`, as a shell sees them, each on state files of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from headrace.local_process import Files, start, stop

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def headrace(tmp_path: Path) -> Iterator[Run]:
    """Runs the tool with state files under `tmp_path`; whatever it started is stopped."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HEADRACE_", "CDK_"))}
    environment = kept | {"HEADRACE_STATE": str(tmp_path / "state")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "headrace", *words],
            env=environment,
            text=True,
            capture_output=True,
            timeout=120,
        )

    yield run
    run("down")


def facts(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_up_status_env_and_down_can_each_be_said_twice(headrace: Run, tmp_path: Path) -> None:
    started = facts(headrace("up", "--json"))
    assert facts(headrace("up", "--json")) == started
    found = facts(headrace("status", "--json"))
    assert (found["up"], found["pid"], found["account"]) == (True, started["pid"], "123456789012")
    assert found["endpoint"] == started["endpoint"]

    # A plain shell with nothing but what `env` prints reaches the cloud, prepared for the CDK.
    script = headrace("env").stdout + (
        "\naws cloudformation describe-stacks --stack-name CDKToolkit"
        " --query 'Stacks[0].StackStatus' --output text"
    )
    shell = subprocess.run(["sh", "-c", script], text=True, capture_output=True, timeout=60)
    assert shell.stdout.strip() == "CREATE_COMPLETE", shell.stderr

    assert facts(headrace("down", "--json")) == {"stopped": True, "pid": started["pid"]}
    assert not psutil.pid_exists(int(str(started["pid"])))
    assert not Path(str(started["data"])).exists()
    assert facts(headrace("down", "--json"))["stopped"] is False
    assert facts(headrace("status", "--json"))["up"] is False


def test_a_cloud_that_was_killed_leaves_nothing_in_the_way(headrace: Run, tmp_path: Path) -> None:
    pid = int(str(facts(headrace("up", "--json"))["pid"]))
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert (tmp_path / "state" / "cloud.json").exists()
    done = headrace("query", "speeches", "SELECT 1")
    assert (done.returncode, "Start one with `headrace up`" in done.stderr) == (1, True)
    again = facts(headrace("up", "--json"))
    assert again["pid"] != pid


def test_a_cloud_that_dies_at_the_start_shows_the_end_of_its_log(
    headrace: Run, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = headrace("up", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert done.stderr.startswith("headrace: While starting the local cloud, found exit status")
    assert "in use" in done.stderr
    assert "Traceback (most recent call last)" not in done.stderr.splitlines()[0]
    assert not (tmp_path / "state" / "cloud.json").exists()


def test_clouds_that_start_at_the_same_time_all_come_up(tmp_path: Path) -> None:
    """All see the usual port free, and one of them gets it."""
    files = [Files(tmp_path / str(n)) for n in range(3)]
    with ThreadPoolExecutor() as pool:
        started = list(pool.map(start, files))
    try:
        assert len({running.port for running in started}) == 3
    finally:
        for each in files:
            stop(each)
