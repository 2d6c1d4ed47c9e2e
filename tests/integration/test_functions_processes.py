"""Processes: none outlives its cloud, and none is started twice for nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.conftest import start, stop
from tests.integration.deployed import Deployed, wait_until

PARENT = (
    "import os, subprocess, sys\n"
    "child = None\n"
    "def handle(event, context):\n"
    "    global child\n"
    "    child = child or subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
    "    return [os.getpid(), child.pid]"
)


@contextlib.contextmanager
def own_cloud(folder: Path) -> Iterator[Deployed]:
    process, running = start(folder)
    try:
        yield Deployed(running)
    finally:
        stop(process)


def gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_none_is_left_when_the_cloud_stops(tmp_path: Path) -> None:
    with own_cloud(tmp_path) as deployed:
        pids = deployed.run(PARENT).payload
        busy = deployed.function("import time\ndef handle(e, c): time.sleep(60)", Timeout=60)
        deployed.lambdas.invoke(FunctionName=busy, InvocationType="Event")
        cloud = psutil.Process(deployed.cloud.pid)
        wait_until(lambda: len(cloud.children()) == 2)
        pids += [child.pid for child in cloud.children(recursive=True)]
    assert [pid for pid in pids if not gone(pid)] == []
    assert list((tmp_path / "data" / "functions" / "environments").glob("*/tmp")) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="by PR_SET_PDEATHSIG")
def test_none_is_left_when_the_cloud_is_killed(tmp_path: Path) -> None:
    with own_cloud(tmp_path) as deployed:
        name = deployed.function("import os\ndef handle(e, c): return os.getpid()")
        pid = deployed.invoke(name).payload
        assert not gone(pid)
        os.kill(deployed.cloud.pid, signal.SIGKILL)
        wait_until(lambda: gone(pid), 5)
