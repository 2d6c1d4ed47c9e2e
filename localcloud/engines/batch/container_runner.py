"""Runs a container as one: by Podman, from a real image, on this machine's network.

Podman runs under the guard that process images have: the container is its descendant, so none of
it outlives the cloud. What Podman itself notes of a container of a killed cloud, the next cloud
on the same folder removes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from localcloud.cloud import Cloud
from localcloud.engines.batch import processes
from localcloud.engines.batch.containers import NOT_STARTED, Ended, Halt, Order
from localcloud.engines.batch.processes import END_S, OUT_OF_MEMORY, WATCH_MOST_S
from localcloud.engines.images import ImageError, podman


class Containers:
    """Runs real images.

    Parameters
    ----------
    cloud : Cloud
    program : str
        Podman.
    find : callable, optional
        Gives Podman's id of an image; ECR's, if nothing is said.

    Raises
    ------
    ImageError
        Where Podman doesn't work.
    """

    def __init__(
        self, cloud: Cloud, program: str, find: Callable[[str], str] | None = None
    ) -> None:
        self._podman = program
        self._find = find or (lambda uri: podman.find(cloud, program, uri))
        self._label = f"localcloud={cloud.data}"
        left = podman.call(program, "ps", "--all", "--quiet", "--filter", f"label={self._label}")
        if left.returncode:
            raise ImageError(
                f"While looking for containers, found of podman: {left.stderr.strip()} "
                "Mend its settings, or have images run as processes."
            )
        if ids := left.stdout.split():
            podman.call(program, "rm", "--force", "--time", "0", *ids)

    def run(
        self,
        order: Order,
        halt: Halt,
        started: Callable[[], None],
        say: Callable[[bytes], None],
    ) -> Ended:
        """Run one to its end; nothing of it outlives the call, nor this process."""
        try:
            image = self._find(order.image)
        except ImageError as fault:
            told = f"CannotPullContainerError: {fault}"
            return Ended(None, told, told)
        if order.environment.get("CUDA_VISIBLE_DEVICES"):
            # Podman gives devices by CDI, which has to be set up on the machine.
            return _not_started("containers have no GPUs here; leave --container out")
        order.folder.mkdir(parents=True)
        name = f"localcloud-{order.folder.name}"
        container = _Container(self._podman, name, order.folder / "pid")
        try:
            return container.run(self._words(order, image, container), halt, started, say)
        finally:
            podman.call(self._podman, "rm", "--force", "--time", "0", "--ignore", name)

    def _words(self, order: Order, image: str, container: _Container) -> list[str]:
        memory = f"{order.memory_mib}m"
        words = [self._podman, "run", "--name", container.name, "--label", self._label]
        words += ["--pidfile", str(container.pid), "--pull", "never", "--log-driver", "none"]
        # The cloud is at this machine's localhost; and not behind a proxy.
        words += ["--network", "host", "--http-proxy=false"]
        words += ["--memory", memory, "--memory-swap", memory]
        for key, value in order.environment.items():
            words += ["--env", f"{key}={value}"]
        return [*words, image, *order.command]


class _Container:
    """One.

    Parameters
    ----------
    podman, name : str
    pid : Path
        Podman writes it when the container is made, before the container prints anything.
    """

    def __init__(self, podman: str, name: str, pid: Path) -> None:
        self._podman, self.name, self.pid = podman, name, pid
        self._podmans_own = b""

    def run(
        self,
        words: list[str],
        halt: Halt,
        started: Callable[[], None],
        say: Callable[[bytes], None],
    ) -> Ended:
        """Run it to its end."""

        def hear(data: bytes) -> None:
            if self.pid.exists():
                say(data)
            else:
                self._podmans_own += data

        process = processes.start(words, dict(os.environ), self.pid.parent)
        reader = threading.Thread(target=processes.read, args=(process.stdout, hear), daemon=True)
        reader.start()
        try:
            killed = self._until_end(process, halt, started)
        finally:
            assert process.stdin is not None  # noqa: S101
            process.stdin.close()  # the guard kills what is left
            process.wait(END_S)
            reader.join(END_S)
        if killed:
            return Ended(128 + signal.SIGKILL)
        if not self.pid.exists():
            said = self._podmans_own.decode(errors="replace").strip().splitlines()[-1:]
            return _not_started("".join(said).removeprefix("Error: "))
        return Ended(process.returncode, OUT_OF_MEMORY.reason if self._outgrew() else "")

    def _until_end(
        self, process: subprocess.Popen[bytes], halt: Halt, started: Callable[[], None]
    ) -> bool:
        """Wait for the end; say whether it has to be brought about."""
        runs, asked, sent = False, 0.0, False
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(WATCH_MOST_S)
            if not runs and self.pid.exists():
                runs = True
                started()
            if process.returncode is not None:
                return False
            if halt.asked.is_set():
                asked = asked or time.monotonic()
                sent = sent or self._terminate()
                if time.monotonic() >= asked + halt.grace_s:
                    return True

    def _terminate(self) -> bool:
        """Send SIGTERM; say whether there was a container to take it."""
        return not podman.call(self._podman, "kill", "--signal", "TERM", self.name).returncode

    def _outgrew(self) -> bool:
        """Whether the kernel killed in it for memory, as Podman tells it."""
        told = podman.call(
            self._podman, "inspect", "--format", "{{.State.OOMKilled}}", self.name
        ).stdout
        return told.strip() == "true"


def _not_started(what: str) -> Ended:
    return Ended(None, f"CannotStartContainerError: {what}", NOT_STARTED)
