"""How Podman is called and what is made of its answers; a script stands for it.

With Podman itself: tests/integration/test_containers.py.
"""

from __future__ import annotations

import itertools
import shlex
import threading
import time
from pathlib import Path

import pytest

from localcloud.cloud import Cloud
from localcloud.engines.batch.container_runner import Containers
from localcloud.engines.batch.containers import Ended, Halt, Order
from localcloud.engines.batch.processes import OUT_OF_MEMORY
from localcloud.engines.images import ImageError, podman

#: Runs what follows the image; `run` says its pid first, as Podman does.
SCRIPT = """#!/bin/sh
for word; do printf '%s\\n' "$word"; done >> {folder}/words; echo . >> {folder}/words
case $1 in
ps) {ps} ;;
inspect) echo {oom} ;;
kill) kill -TERM $(cat {folder}/own/pid) ;;
run)
  while [ "$1" != ID ]; do [ "$1" = --pidfile ] && pid=$2; shift; done
  [ "$2" = none-such ] && {{ echo "Error: no $2" >&2; exit 127; }}
  echo podman warns >&2; sleep 0.2; echo $$ > $pid; shift; exec "$@" ;;
esac
"""


class Box:
    """A container of the stand-in."""

    def __init__(
        self, folder: Path, *command: str, oom: str = "false", ps: str = ":", gpus: str = ""
    ) -> None:
        self.folder = folder
        self.program = folder / "podman"
        self.program.write_text(SCRIPT.format(folder=shlex.quote(str(folder)), oom=oom, ps=ps))
        self.program.chmod(0o755)
        environment = {"A": "b c"} | ({"CUDA_VISIBLE_DEVICES": gpus} if gpus else {})
        self.order = Order("image", command, environment, 512, folder / "own")
        self.halt, self.started, self.printed = Halt(), threading.Event(), b""

    def run(self) -> Ended:
        made = Containers(Cloud(1, self.folder), str(self.program), lambda uri: "ID")
        return made.run(self.order, self.halt, self.started.set, self._say)

    def _say(self, data: bytes) -> None:
        self.printed += data

    def calls(self) -> list[list[str]]:
        text = (self.folder / "words").read_text()
        return [call.splitlines() for call in text.split(".\n") if call]


def test_it_is_given_memory_network_and_variables(tmp_path: Path) -> None:
    box = Box(tmp_path, "echo", "hello")
    assert box.run() == Ended(0)
    assert box.printed == b"hello\n"  # and not what Podman said before
    assert box.started.is_set()
    looked, run, inspected, removed = box.calls()
    assert looked[0] == "ps"
    assert run[-3:] == ["ID", "echo", "hello"]
    options = list(itertools.pairwise(run))
    for pair in (
        *(("--memory", "512m"), ("--memory-swap", "512m"), ("--network", "host")),
        *(("--env", "A=b c"), ("--pull", "never"), ("--label", f"localcloud={tmp_path}")),
    ):
        assert pair in options
    assert inspected[0] == "inspect"
    assert removed[0] == "rm"
    assert removed[-1] == "localcloud-own"


def test_what_the_kernel_killed_is_told(tmp_path: Path) -> None:
    assert Box(tmp_path, "sh", "-c", "exit 137", oom="true").run() == OUT_OF_MEMORY


def test_what_cannot_start(tmp_path: Path) -> None:
    box = Box(tmp_path, "none-such")
    told = Ended(None, "CannotStartContainerError: no none-such", "Task failed to start")
    assert box.run() == told
    assert not box.started.is_set()


def test_gpus_are_refused(tmp_path: Path) -> None:
    ended = Box(tmp_path, "true", gpus="GPU-1").run()
    assert ended.reason.startswith("CannotStartContainerError: containers have no GPUs")


@pytest.mark.parametrize(
    ("command", "code"), [("exec sleep 60", 143), ("trap '' TERM; sleep 60", 137)]
)
def test_it_ends_when_it_is_told(tmp_path: Path, command: str, code: int) -> None:
    box = Box(tmp_path, "sh", "-c", command)
    threading.Timer(1, box.halt.ask, [0.5]).start()
    began = time.monotonic()
    assert box.run().code == code
    assert time.monotonic() - began < 20


def test_what_a_killed_cloud_left_is_removed(tmp_path: Path) -> None:
    Containers(Cloud(1, tmp_path), str(Box(tmp_path, ps="echo one; echo two").program))
    _, removed = Box(tmp_path).calls()
    assert (removed[0], removed[-2:]) == ("rm", ["one", "two"])


def test_a_podman_that_does_not_work(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="found of podman: broken"):
        Box(tmp_path, ps="echo broken >&2; exit 125").run()


def test_which_engine(tmp_path: Path) -> None:
    there = str(Box(tmp_path).program)
    assert podman.program({}) is None
    assert podman.program({podman.VARIABLE: there}) == there
    with pytest.raises(ImageError, match="'docker', which isn't podman"):
        podman.program({podman.VARIABLE: "docker"})
    with pytest.raises(ImageError, match="Install Podman"):
        podman.program({podman.VARIABLE: str(tmp_path / "no" / "podman")})
