"""Runs a container as a process group of this machine, in its image's environment alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO

from localcloud.cloud import Cloud
from localcloud.engines import emr_node, images
from localcloud.engines.batch import memory
from localcloud.engines.batch.containers import NOT_STARTED, Ended, Halt, Order
from localcloud.engines.emr_node import tree
from localcloud.engines.functions.runtime_folder import interpreter

MIB = 1 << 20
#: Seconds between two looks at a container: at first, and where it lasts.
WATCH_S, WATCH_MOST_S = 0.01, 0.1
END_S = 20
READ_BYTES = 1 << 16
#: Lines that come close together are written down together.
GATHER_S = 0.02

#: https://docs.aws.amazon.com/batch/latest/userguide/troubleshooting.html
OUT_OF_MEMORY = Ended(137, "OutOfMemoryError: Container killed due to memory usage")

GUARD = Path(next(iter(emr_node.__path__)))

Find = Callable[[str], images.ProcessImage]


class Processes:
    """Runs process images.

    Parameters
    ----------
    cloud : Cloud
    find : callable, optional
        Gives the image of a name; ECR's, if nothing is said.
    """

    def __init__(self, cloud: Cloud, find: Find | None = None) -> None:
        self._find = find or (lambda uri: images.find(cloud, uri))

    def run(
        self,
        order: Order,
        halt: Halt,
        started: Callable[[], None],
        say: Callable[[bytes], None],
    ) -> Ended:
        """Run one to its end; none of its processes outlives the call, nor this process."""
        try:
            image = self._find(order.image)
        except images.ImageError as fault:
            told = f"CannotPullContainerError: {fault}"
            return Ended(None, told, told)
        environment = _environment(image, order)
        words = [*image.entrypoint, *(order.command or image.command)]
        folder = _lay_out(image, order.folder)
        if not words or not (program := _program(words[0], image, environment, folder)):
            # As ECS's agent passes on what runc says.
            what = f'exec: "{"".join(words[:1])}": executable file not found in $PATH: unknown'
            return Ended(None, f"CannotStartContainerError: {what}", NOT_STARTED)
        words[0] = program
        return self._watch(words, environment, folder, order.memory_mib, halt, started, say)

    def _watch(
        self,
        words: list[str],
        environment: dict[str, str],
        folder: Path,
        memory_mib: int,
        halt: Halt,
        started: Callable[[], None],
        say: Callable[[bytes], None],
    ) -> Ended:
        process = start(words, environment, folder)
        reader = threading.Thread(target=read, args=(process.stdout, say), daemon=True)
        reader.start()
        started()
        try:
            ended = _until_end(process, memory_mib * MIB, halt)
        finally:
            assert process.stdin is not None  # noqa: S101
            process.stdin.close()  # the guard kills what is left
            process.wait(END_S)
            reader.join(END_S)
        return ended or Ended(process.returncode)


def start(words: list[str], environment: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    """Start a command under a guard, which kills all of it when its standard input is closed."""
    # The guard keeps nobody's memory here: what ranks share would be counted for each.
    guard = [interpreter(), "-I", "-S", str(GUARD), "guard", "0", os.devnull]
    return subprocess.Popen(
        [*guard, *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        start_new_session=True,
    )


def _until_end(process: subprocess.Popen[bytes], limit: int, halt: Halt) -> Ended | None:
    """Wait for the end; give it where it isn't the process's own."""
    pause_s, asked, sent = WATCH_S, 0.0, False
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(pause_s)
            return None
        pause_s = min(1.5 * pause_s, WATCH_MOST_S)
        if memory.held(process.pid) > limit:
            return OUT_OF_MEMORY
        if halt.asked.is_set():
            asked = asked or time.monotonic()
            sent = sent or _terminate(process.pid)
            if time.monotonic() >= asked + halt.grace_s:
                return Ended(128 + signal.SIGKILL)


def _terminate(guard: int) -> bool:
    """Send SIGTERM to a container's first process alone, as Docker does; say whether it's there."""
    for pid in tree.descendants(guard)[:1]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            return True
    return False


def read(out: IO[bytes], say: Callable[[bytes], None]) -> None:
    """Pass on what is printed, to its end."""
    with out:
        while data := os.read(out.fileno(), READ_BYTES):
            try:
                say(data)
            except Exception:  # the container goes on where its log can't be kept, as on AWS
                traceback.print_exc(file=sys.stderr)
            time.sleep(GATHER_S)


def _environment(image: images.ProcessImage, order: Order) -> dict[str, str]:
    """The image's variables and the job's; home and scratch are the container's own."""
    own = {"HOME": str(order.folder / "home"), "TMPDIR": str(order.folder / "tmp")}
    return {**image.environment, **own, **order.environment}


def _program(
    word: str, image: images.ProcessImage, environment: dict[str, str], folder: Path
) -> str | None:
    """Where a command is: in the image, beside it, or on PATH."""
    if "/" not in word:
        return shutil.which(word, path=environment.get("PATH", os.defpath))
    inside = image.root / word.lstrip("/")
    return shutil.which(inside if word.startswith("/") and inside.exists() else folder / word)


def _lay_out(image: images.ProcessImage, folder: Path) -> Path:
    """Make a container's folders; give the one it starts in, with what the image has there."""
    work = folder / "work"
    for each in (work, folder / "home", folder / "tmp"):
        each.mkdir(parents=True)
    for each in image.workdir.iterdir():
        (work / each.name).symlink_to(each)
    return work
