"""Functions mapped from a program, as from a notebook, with the lake of a local cloud."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.conftest import ROOT, Running

#: A study of one's own name; the executor needs its bucket alone.
BEGIN = """
import json, os, sys, time
from dataclasses import make_dataclass
import headrace
from headrace.plan import plan_of
from headrace.study import Map, Study
Row = make_dataclass("Row", [("a", str)])
stage = Map("m", fn="studies.m.m:m", items="s3://{lake}/files/", produces=Row)
plan = plan_of(Study(name=os.environ["STUDY"], question="Which?", stages=[stage]))
"""


@dataclass(frozen=True)
class Desk:
    """Where a notebook runs: its study, its bucket, its state and its home."""

    cloud: Running
    study: str
    folder: Path

    @property
    def bucket(self) -> str:
        return f"headrace-{self.study}-{self.cloud.account}-{self.cloud.region}"

    def start(self, code: str) -> subprocess.Popen[str]:
        """Start a program that can open executors of `plan`."""
        environment = self.cloud.environment | {
            "STUDY": self.study,
            "HEADRACE_STATE": str(self.folder / "state"),
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": str(ROOT),
            "MPLCONFIGDIR": str(self.folder / "matplotlib"),  # its fonts are not ours to place
        }
        return subprocess.Popen(
            [sys.executable, "-c", BEGIN + code],
            cwd=self.folder / "work",
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def told(self, code: str) -> dict[str, Any]:
        """The last line that a program prints, as JSON."""
        out, err = self.start(code).communicate(timeout=100)
        lines = out.strip().splitlines()
        assert lines, err
        assert lines[-1].startswith("{"), f"{out}\n{err}"
        told: dict[str, Any] = json.loads(lines[-1])
        return told

    def stored(self) -> list[str]:
        """Every key of the bucket."""
        found = self.cloud.client("s3").list_objects_v2(Bucket=self.bucket)
        return [each["Key"] for each in found.get("Contents", [])]


@pytest.fixture
def desk(cloud: Running, tmp_path: Path) -> Desk:
    """A desk with an empty lake."""
    made = Desk(cloud, f"x{uuid.uuid4().hex[:12]}", tmp_path)
    cloud.client("s3").create_bucket(Bucket=made.bucket)
    for name in ("home", "tmp", "work", "matplotlib"):
        (tmp_path / name).mkdir()
    return made


def test_map_map_reduce_call_async_and_plot(desk: Desk) -> None:
    told = desk.told(
        """
with headrace.executor(plan, workers=2) as pwex:
    import boto3, lithops, psutil
    told = {"real": isinstance(pwex, lithops.FunctionExecutor)}
    told["map"] = pwex.get_result(pwex.map(lambda x: x + 1, range(5)))
    fs = pwex.map_reduce(lambda x: x * 2, [1, 2, 3], lambda results: sum(results))
    told["sum"] = pwex.get_result(fs)
    future = pwex.call_async(lambda a, b: a - b, (44, 2))
    told["async"] = future.result()
    told["large"] = len(pwex.get_result(pwex.map(lambda n: b"x" * n, [1_000_000]))[0])
    told["env"] = pwex.get_result(pwex.map(lambda k: os.environ[k], ["AWS_ENDPOINT_URL"]))
    told["plots"] = [str(file) for file in pwex.plot()]
    told["children"] = [p.cmdline() for p in psutil.Process().children(recursive=True)]
    told["stored"] = boto3.client("s3").list_objects_v2(Bucket=pwex.storage.bucket)["KeyCount"]
print(json.dumps(told))
"""
    )
    assert told["real"] is True
    assert told["map"] == [1, 2, 3, 4, 5]
    assert told["sum"] == 12
    assert told["async"] == 42
    assert told["large"] == 1_000_000
    assert told["env"] == [desk.cloud.endpoint]
    assert told["children"] == []  # lithops' cleaner would outlive the notebook
    for file in map(Path, told["plots"]):
        assert file.read_bytes().startswith(b"\x89PNG")
        assert file.stat().st_size > 5_000
    assert len(told["plots"]) == 2
    # All that it stored lay under one prefix, and but the runtime's description is gone.
    assert told["stored"] > 1
    assert [key.split("/")[:2] for key in desk.stored()] == [["lithops", "lithops.runtimes"]]
    # Its files lie in the state: none in the home, the temporary or the working folder.
    assert not [*(desk.folder / "home").iterdir(), *(desk.folder / "work").iterdir()]
    assert not list((desk.folder / "tmp").glob("lithops*"))


def test_a_failing_item_is_named_and_the_others_are_had(desk: Desk) -> None:
    told = desk.told(
        """
import traceback
def risky(row):
    if row["n"] == 7:
        raise ValueError("no such year")
    if row["n"] == 3:
        os.kill(os.getpid(), 9)
    return row["n"]
class Odd(Exception):
    def __init__(self, a, b):
        super().__init__(f"{a}/{b}")
def odd(x):
    raise Odd(1, 2)
def text(future):
    try:
        future.result()
    except Exception:
        return traceback.format_exc()
with headrace.executor(plan, workers=2) as pwex:
    fs = pwex.map(risky, [({"n": n},) for n in range(10)])
    told = {"results": pwex.get_result(fs, throw_except=False)}
    told["seven"], told["three"] = text(fs[7]), text(fs[3])
    told["odd"] = text(pwex.map(odd, [5])[0])
    try:
        pwex.get_result(pwex.map(risky, [({"n": n},) for n in (1, 7)]))
    except ValueError as error:
        told["thrown"] = error.__notes__
print(json.dumps(told))
"""
    )
    assert told["results"] == [0, 1, 2, None, 4, 5, 6, None, 8, 9]
    assert "ValueError: no such year" in told["seven"]
    assert "item 7: {'n': 7}" in told["seven"]
    assert "in risky" in told["seven"]
    assert "item 3: {'n': 3}" in told["three"]
    assert "SIGKILL" in told["three"]
    assert "1/2" in told["odd"]
    assert "item 0: 5" in told["odd"]
    assert "raised as <class '__main__.Odd'>" in told["odd"]
    assert told["thrown"] == ["item 1: {'n': 7}"]


class Planted:
    """A pickle that runs code in who reads it."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def test_a_pickle_outside_the_studys_prefix_is_never_read(desk: Desk, tmp_path: Path) -> None:
    s3 = desk.cloud.client("s3")
    evil = pickle.dumps(Planted(f"touch {tmp_path / 'ran'}"))
    other = f"{desk.bucket}-other"
    s3.create_bucket(Bucket=other)
    # Where lithops looks for a result, but for the prefix; in the users' files; elsewhere.
    key = "lithops.jobs/aaaaaa-0-M000/00000/output.pickle"
    status = json.dumps({"type": "__end__", "exception": False, "func_result_size": len(evil)})
    s3.put_object(Bucket=desk.bucket, Key=key, Body=evil)
    s3.put_object(Bucket=desk.bucket, Key=key.replace("output.pickle", "status.json"), Body=status)
    s3.put_object(Bucket=desk.bucket, Key="files/planted.pickle", Body=evil)
    s3.put_object(Bucket=other, Key=f"lithops/{key}", Body=evil)
    told = desk.told(
        f"""
with headrace.executor(plan) as pwex:
    from lithops.storage.utils import CloudObject
    lake, told = pwex.storage.bucket, {{}}
    told["output"] = pwex.internal_storage.get_call_output("aaaaaa-0", "M000", "00000")
    told["status"] = pwex.internal_storage.get_call_status("aaaaaa-0", "M000", "00000")
    for name, bucket, key in (
        ("files", lake, "files/planted.pickle"),
        ("other", {other!r}, {key!r}),
    ):
        try:
            pwex.storage.get_cloudobject(CloudObject("lake", bucket, key))
        except Exception as error:
            told[name] = f"{{type(error).__name__}}: {{error}}"
print(json.dumps(told))
"""
    )
    assert told["output"] is None
    assert told["status"] is None
    assert "OutsideError" in told["files"]
    assert "files/planted.pickle" in told["files"]
    assert "OutsideError" in told["other"]
    assert not (tmp_path / "ran").exists()
    # The test can fail: what was planted does run code where it is read.
    pickle.loads(evil)
    assert (tmp_path / "ran").exists()


def test_workers_end_with_a_killed_notebook(desk: Desk, tmp_path: Path) -> None:
    """Killed, it can't tidy up: nothing of it may run on, not even what a function started."""
    process = desk.start(
        f"""
def busy(x):
    import subprocess
    child = subprocess.Popen(["sleep", "300"])
    with open({str(tmp_path)!r} + f"/pid-{{x}}", "w") as file:
        file.write(f"{{os.getpid()}} {{os.getppid()}} {{child.pid}}")
    while True:
        pass
pwex = headrace.executor(plan, workers=2)
pwex.map(busy, range(4))
time.sleep(300)
"""
    )
    try:
        pids = _written(tmp_path, 2)
        runner = {p.pid for p in psutil.Process(process.pid).children(recursive=True)}
        assert pids <= runner  # the test can fail: they do run
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    deadline = time.monotonic() + 5
    while (left := [pid for pid in runner if _runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def _written(folder: Path, workers: int) -> set[int]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        texts = [file.read_text() for file in folder.glob("pid-*")]
        if len([text for text in texts if len(text.split()) == 3]) == workers:
            return {int(pid) for text in texts for pid in text.split()}
        time.sleep(0.05)
    pytest.fail("no function began")


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_study_that_is_not_deployed_is_told(desk: Desk) -> None:
    desk.cloud.client("s3").delete_bucket(Bucket=desk.bucket)
    told = desk.told(
        """
try:
    headrace.executor(plan)
except Exception as error:
    print(json.dumps({"error": str(error)}))
"""
    )
    assert f"found no bucket {desk.bucket} at target local (404)" in told["error"]
    assert f"headrace deploy {desk.study}" in told["error"]
