"""Starts and ends a function's process, and reads what it prints."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil

#: Linux kills a child with PR_SET_PDEATHSIG when the thread that forked it ends, not the
#: process (prctl(2)): one thread that lives as long as the cloud starts them all.
_SPAWNER = ThreadPoolExecutor(1, thread_name_prefix="spawner")

#: Go's words for signals, as Lambda's messages have them.
SIGNALS = {
    signal.SIGKILL: "killed",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "aborted",
    signal.SIGTERM: "terminated",
    signal.SIGBUS: "bus error",
    signal.SIGINT: "interrupt",
}


class Process:
    """One process in a group of its own, its output handed on as it comes.

    Parameters
    ----------
    on_output : callable
        Called with bytes, under the lock that `drain` takes.
    """

    def __init__(
        self,
        words: list[str],
        environment: dict[str, str],
        folder: str,
        on_output: Callable[[bytes], None],
    ) -> None:
        self._popen = _SPAWNER.submit(_spawn, words, environment, folder).result()
        assert self._popen.stdout is not None  # noqa: S101
        self._out = self._popen.stdout
        os.set_blocking(self._out.fileno(), False)
        self._on_output = on_output
        self._open, self._ended = True, False
        self.lock = threading.RLock()
        threading.Thread(target=self._read, name="function-output", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id, also that of its group."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._popen.poll() is None

    def ending(self) -> str:
        """How it ended, in Lambda's words."""
        code = self._popen.wait()
        if code == 0:
            return "Runtime exited without providing a reason"
        if code > 0:
            return f"Runtime exited with error: exit status {code}"
        name = next((text for number, text in SIGNALS.items() if number == -code), str(-code))
        return f"Runtime exited with error: signal: {name}"

    def drain(self) -> None:
        """Hand on all that was printed up to now."""
        with self.lock:
            while self._open:
                try:
                    data = os.read(self._out.fileno(), 1 << 16)
                except BlockingIOError:
                    return
                if not data:
                    self._open = False
                    self._out.close()
                    return
                self._on_output(data)

    def kill(self) -> None:
        """End it with all its children, and wait for it; a second call does nothing."""
        if self._ended:
            return
        self._ended = True
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(self.pid).children(recursive=True)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for child in family:  # those that left the group
            with contextlib.suppress(psutil.Error):
                child.kill()
        self._popen.wait()

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            while self._open:
                selector.select()
                self.drain()


def _spawn(words: list[str], environment: dict[str, str], folder: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
