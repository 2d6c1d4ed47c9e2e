"""A container as a process group: its surroundings, its log, its memory, its end."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from moto.logs.models import LogsBackend

from localcloud.cloud import Cloud
from localcloud.engines.batch import logs, surroundings
from localcloud.engines.batch.containers import Ended, Halt, Order
from localcloud.engines.batch.definitions import Definition
from localcloud.engines.batch.jobs import Job
from localcloud.engines.batch.logs import LogStream
from localcloud.engines.batch.processes import Processes
from localcloud.engines.images import ImageError, ProcessImage


class Container:
    """One, of an image that is a folder."""

    def __init__(self, folder: Path, *command: str, memory_mib: int = 512, **more: Any) -> None:
        root = folder / "image"
        (root / "app").mkdir(parents=True, exist_ok=True)
        (root / "app" / "there.txt").write_text("of the image\n")
        given: dict[str, Any] = {
            "root": root,
            "workdir": root / "app",
            "environment": {
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "HOME": "/tmp",
                "A": "image",
            },
            "entrypoint": (),
            "command": (),
            "python": Path("/usr/bin/python3"),
            "digest": "sha256:0",
        }
        image = ProcessImage(**(given | more))
        self.order = Order("image", command, {"B": "job"}, memory_mib, folder / "own")
        self.processes = Processes(None, lambda uri: image)  # type: ignore[arg-type]
        self.halt, self.started, self.printed = Halt(), threading.Event(), b""

    def run(self) -> Ended:
        return self.processes.run(self.order, self.halt, self.started.set, self._say)

    def _say(self, data: bytes) -> None:
        self.printed += data


def test_it_has_its_images_variables_and_the_jobs_alone(tmp_path: Path) -> None:
    box = Container(tmp_path, "env")
    assert box.run() == Ended(0)
    found = dict(line.split("=", 1) for line in box.printed.decode().splitlines())
    assert found == {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(tmp_path / "own" / "home"),
        "TMPDIR": str(tmp_path / "own" / "tmp"),
        "A": "image",
        "B": "job",
    }
    assert box.started.is_set()


def test_a_command_follows_the_entrypoint(tmp_path: Path) -> None:
    box = Container(tmp_path, "there.txt", entrypoint=("cat",), command=("none",))
    assert (box.run().code, box.printed) == (0, b"of the image\n")


def test_a_program_of_the_image(tmp_path: Path) -> None:
    box = Container(tmp_path, "/app/run.sh")
    program = tmp_path / "image" / "app" / "run.sh"
    program.write_text("#!/bin/sh\nexit 5\n")
    program.chmod(0o755)
    assert box.run().code == 5


def test_a_signal_is_told_as_docker_tells_it(tmp_path: Path) -> None:
    assert Container(tmp_path, "sh", "-c", "kill -9 $$").run().code == 137


def test_what_cannot_start(tmp_path: Path) -> None:
    ended = Container(tmp_path, "none-such").run()
    assert ended.code is None
    assert 'exec: "none-such": executable file not found' in ended.reason

    def missing(uri: str) -> ProcessImage:
        raise ImageError(f"no {uri}")

    box = Container(tmp_path / "other")
    box.processes = Processes(None, missing)  # type: ignore[arg-type]
    assert box.run().status_reason == "CannotPullContainerError: no image"
    assert not box.started.is_set()


@pytest.mark.parametrize("memory_mib", [64, 512])
def test_memory_is_kept(tmp_path: Path, memory_mib: int) -> None:
    code = "x = b'1' * (150 << 20); import time; time.sleep(1)"
    box = Container(tmp_path, "python3", "-c", code, memory_mib=memory_mib)
    ended = box.run()
    if memory_mib == 512:
        assert ended == Ended(0)
    else:
        assert ended == Ended(137, "OutOfMemoryError: Container killed due to memory usage")


def test_memory_that_is_shared_counts_once(tmp_path: Path) -> None:
    code = """
import mmap, os, time
shared = mmap.mmap(-1, 100 << 20)
shared.write(b"1" * (100 << 20))
for _ in range(3):
    if not os.fork():
        sum(shared[::4096])
        time.sleep(0.8)
        os._exit(0)
time.sleep(1)
"""
    assert Container(tmp_path, "python3", "-c", code, memory_mib=300).run() == Ended(0)


def test_it_ends_when_it_is_told(tmp_path: Path) -> None:
    box = Container(tmp_path, "sleep", "60")
    box.halt.ask()  # before it has begun
    assert box.run().code == 143


def test_it_is_killed_after_the_grace(tmp_path: Path) -> None:
    box = Container(tmp_path, "sh", "-c", "trap '' TERM; sleep 60")
    threading.Timer(0.3, box.halt.ask, [0.2]).start()
    began = time.monotonic()
    assert box.run().code == 137
    assert time.monotonic() - began < 10


def test_lines_become_events() -> None:
    backend: Any = LogsBackend("us-east-1", "123456789012")
    backend.ensure_log_group("g")
    stream = LogStream(backend, "g", "s")
    for data in (b"one\ntw", b"o\r\n\n", b"x" * (logs.EVENT_BYTES + 1) + b"\n", b"end"):
        stream.say(data)
    stream.close()
    events = backend.groups["g"].streams["s"].events
    lengths = [logs.EVENT_BYTES, 1]
    assert [each.message for each in events[:2]] == ["one", "two"]
    assert [len(each.message) for each in events[2:4]] == lengths
    assert [each.message for each in events[4:]] == ["end"]


def test_where_a_log_goes() -> None:
    backend: Any = LogsBackend("us-east-1", "123456789012")
    opened = logs.open_stream(backend, None, "d", "t")
    assert isinstance(opened, LogStream)
    assert (opened.name, list(backend.groups)) == ("d/default/t", ["/aws/batch/job"])
    given = {"logDriver": "awslogs", "options": {"awslogs-group": "none"}}
    assert isinstance(logs.open_stream(backend, given, "d", "t"), Ended)


@pytest.mark.parametrize(
    ("kind", "role", "region", "credentials"),
    [
        ("FARGATE", "arn:role", True, True),
        ("FARGATE", None, True, False),
        ("EC2", None, False, True),
    ],
)
def test_what_is_told_of_aws(
    tmp_path: Path, kind: str, role: str | None, region: bool, credentials: bool
) -> None:
    job = Job(
        given={"jobName": "j"},
        definition=Definition({"jobDefinitionName": "d", "type": "container"}, 1, "arn:d:1"),
        queue="q",
        arn_prefix="arn:",
        created=1,
        containers=[{"environment": [{"name": "A", "value": "1"}], "jobRoleArn": role}],
    )
    environment = SimpleNamespace(name="e", compute_resources={"type": kind})
    found = surroundings.variables(Cloud(1, tmp_path), job, 0, environment, "q", [])
    assert ("AWS_DEFAULT_REGION" in found, "AWS_ACCESS_KEY_ID" in found) == (region, credentials)
    assert found["A"] == "1"
    assert found["AWS_ENDPOINT_URL"] == "http://localhost:1"
    assert found["AWS_BATCH_CE_NAME"] == "e"
