"""No process of a job outlives its cloud, however that ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.integration.batch_jobs import Batch, alive
from tests.integration.conftest import start, stop
from tests.integration.deployed import wait_until

BREED = """
import os, signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "300"], start_new_session=True)
print(os.getpid(), child.pid, flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_no_process_outlives_its_cloud(how: str, tmp_path: Path) -> None:
    process, cloud = start(tmp_path)
    try:
        (tmp_path / "image").mkdir()
        batch = Batch(cloud, tmp_path / "image")
        job = batch.submit(batch.queue(batch.environment()), batch.define("python", "-c", BREED))
        line = wait_until(lambda: batch.printed(batch.until(job, "RUNNING")))[0]
        pids = [int(word) for word in line.split()]
        assert alive(pids, wait_s=0) == pids
        if how == "killed":
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    finally:
        stop(process)
    assert alive(pids) == []
    if how == "stopped":
        assert not list((cloud.data / "batch").glob("*"))
