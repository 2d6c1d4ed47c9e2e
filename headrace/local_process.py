"""Starts, finds and stops the local cloud's process.

The process writes its ready file once it answers and removes it when it goes, so a ready file
whose process is gone is a leftover and is cleaned away.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from headrace.errors import HeadraceError
from headrace.plan import ROOT

PORT = 5566
START_PATIENCE_S = 60.0
STOP_PATIENCE_S = 10.0
#: Tells the local cloud which engine runs its containers; unset, they are processes.
CONTAINER = "LOCALCLOUD_CONTAINER"


class StartError(HeadraceError):
    """The local cloud's process ended, or didn't answer in time."""


@dataclass(frozen=True)
class Running:
    """A local cloud that runs."""

    endpoint: str
    port: int
    pid: int
    data: Path

    def memory_bytes(self) -> int:
        """Proportional memory of the process and all that it started (Linux), else resident."""
        return sum(_memory_bytes(p) for p in family(self.pid))


@dataclass(frozen=True)
class Files:
    """Where the tool keeps what belongs to one local cloud.

    Parameters
    ----------
    state : Path
        The folder; made where it is missing.
    """

    state: Path

    @property
    def ready(self) -> Path:
        """Written by the cloud once it answers."""
        return self.state / "cloud.json"

    @property
    def log(self) -> Path:
        """What the cloud said on its standard streams."""
        return self.state / "cloud.log"

    @property
    def data(self) -> Path:
        """Objects, function code, logs."""
        return self.state / "data"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let one `up` or `down` at a time work on these files."""
        self.state.mkdir(parents=True, exist_ok=True)
        with (self.state / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def family(pid: int) -> list[psutil.Process]:
    """The process and its descendants; empty where it is gone."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _memory_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        try:
            return int(process.memory_full_info().pss)
        except (AttributeError, psutil.AccessDenied):
            return int(process.memory_info().rss)
    return 0  # it ended between being listed and being asked


def find(files: Files) -> Running | None:
    """The local cloud that runs on these files, if one does; a leftover ready file is removed."""
    try:
        facts = json.loads(files.ready.read_text())
    except FileNotFoundError:
        return None
    if not _is_cloud(facts["pid"]):
        files.ready.unlink(missing_ok=True)
        return None
    return Running(facts["endpoint"], facts["port"], facts["pid"], Path(facts["data"]))


def _is_cloud(pid: int) -> bool:
    """Whether this process is a local cloud, and not one that was given the same number since."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and "localcloud" in process.cmdline()
    except psutil.Error:
        return False


def start(files: Files, port: int | None = None, container: bool = False) -> Running:
    """Start a local cloud with empty data, or give the one that already runs.

    Parameters
    ----------
    files : Files
    port : int, optional
        Port on loopback; 5566, or a free one where that is taken, where none is named.
    container : bool
        Whether it must run real containers, by Podman. One that runs already keeps to its ways.

    Raises
    ------
    StartError
        With the end of its log; or where one runs that has no containers.
    """
    with files.locked():
        if (running := find(files)) is not None:
            if container and not _runs_containers(running.pid):
                raise StartError(
                    "starting the local cloud with containers",
                    f"one without them at {running.endpoint}",
                    "Stop it: headrace down. Its data go with it.",
                )
            return running
        shutil.rmtree(files.data, ignore_errors=True)
        files.data.mkdir(parents=True)
        return _begin(files, port, container)


def _runs_containers(pid: int) -> bool:
    return bool(psutil.Process(pid).environ().get(CONTAINER))


def _begin(files: Files, port: int | None, container: bool) -> Running:
    try:
        return _wait(files, _spawn(files, port or _free_port(PORT, 0), container))
    except StartError:
        # Another cloud may have taken it since it was looked at.
        if port or "Address already in use" not in files.log.read_text(errors="replace"):
            raise
        return _wait(files, _spawn(files, _free_port(0), container))


def _spawn(files: Files, port: int, container: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "localcloud", "--port", str(port)]
    command += ["--data", str(files.data), "--ready", str(files.ready)]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for kept in ("jars", "images"):  # `make setup`'s
        environment.setdefault(f"LOCALCLOUD_{kept.upper()}", str(ROOT / ".cache" / kept))
    if container:
        environment[CONTAINER] = environment.get(CONTAINER) or "podman"
    with files.log.open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it outlives the shell, and Ctrl-C in it
        )


def _free_port(*wanted: int) -> int:
    for port in wanted:
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            return int(listener.getsockname()[1])
    raise StartError("looking for a port", "none free on 127.0.0.1", "Close a program.")


def _wait(files: Files, process: subprocess.Popen[bytes]) -> Running:
    deadline = time.monotonic() + START_PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        if files.ready.is_file() and (running := find(files)) is not None:
            return running
        time.sleep(0.05)
    how = f"exit status {process.returncode}"
    if process.returncode is None:
        how = f"no answer after {START_PATIENCE_S:.0f} s"
        _end(process.pid)
    tail = "\n".join(files.log.read_text(errors="replace").splitlines()[-20:])
    raise StartError(
        "starting the local cloud",
        f"{how}, and as the last lines of {files.log}:\n{tail}",
        "Mend what they name, then run `headrace up` again.",
    )


def stop(files: Files) -> Running | None:
    """Stop the local cloud and remove its data.

    Returns
    -------
    Running or None
        What ran, or None where none did.
    """
    with files.locked():
        running = find(files)
        if running is not None:
            _end(running.pid)
        shutil.rmtree(files.data, ignore_errors=True)
        # The CDK remembers what it deployed, and this account will be empty.
        shutil.rmtree(files.state / "cdk-home", ignore_errors=True)
        files.ready.unlink(missing_ok=True)
        return running


def _end(pid: int) -> None:
    """SIGTERM, and after ten seconds SIGKILL for it and whatever it had started."""
    everyone = family(pid)
    for process in everyone[:1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(everyone, timeout=STOP_PATIENCE_S)
    for process in everyone:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(everyone, timeout=STOP_PATIENCE_S)
