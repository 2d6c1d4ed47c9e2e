"""A task's input: read once from Hadoop, kept on disk, fed to each attempt from its start."""

from __future__ import annotations

import os
import select
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import IO

BLOCK = 1 << 18
LOOK_S = 0.2


class Spool:
    """Standard input, which can be read again.

    Parameters
    ----------
    folder : Path
        Where the file is; it has no name, so nothing of it is left.
    keep : bool
        Whether a second attempt may come.

    Attributes
    ----------
    fed : int
        Bytes that the attempts took, all together.
    """

    def __init__(self, folder: Path, keep: bool) -> None:
        self._file: IO[bytes] | None = None
        if keep:
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self._size, self._ended = 0, False
        self.fed = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()

    def feed(self, pipe: IO[bytes], stop: threading.Event) -> None:
        """Write all of the input to an attempt, and close the pipe; return early on `stop`."""
        offset = 0
        try:
            while not stop.is_set() and (block := self._next(offset, stop)):
                offset += len(block)
                view = memoryview(block)
                while view:
                    done = os.write(pipe.fileno(), view)
                    view = view[done:]
                    self.fed += done
        except BrokenPipeError:  # it reads no more: what that means, its exit says
            pass
        finally:
            pipe.close()

    def _next(self, offset: int, stop: threading.Event) -> bytes:
        if offset < self._size and self._file:
            return os.pread(self._file.fileno(), BLOCK, offset)
        while not self._ended and not stop.is_set():
            if select.select([0], [], [], LOOK_S)[0]:
                block = os.read(0, BLOCK)
                self._ended = not block
                if self._file:
                    os.pwrite(self._file.fileno(), block, self._size)
                self._size += len(block)
                return block
        return b""


def copy(path: Path, out: int) -> None:
    """Write a file to a descriptor, in the kernel where it can."""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            view = memoryview(block)
            while view:
                view = view[os.write(out, view) :]
