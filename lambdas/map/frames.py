"""Messages between a function and its child process: a length, then a pickle.

Both ends are this package's own, and what travels is checked before: plain values.
"""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Iterator
from typing import Any

_LENGTH = struct.Struct("<Q")


def send(pipe: int, message: Any) -> None:
    """Write one message.

    Raises
    ------
    BrokenPipeError
        Where nobody reads any more.
    """
    body = pickle.dumps(message, protocol=5)
    left = memoryview(_LENGTH.pack(len(body)) + body)
    while left:
        left = left[os.write(pipe, left) :]


def receive(pipe: int) -> Any:
    """Read one message, waiting for it.

    Raises
    ------
    EOFError
        Where nobody writes any more.
    """
    (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    return pickle.loads(_exactly(pipe, length))  # noqa: S301 - see the module


def _exactly(pipe: int, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        data = os.read(pipe, size - len(parts))
        if not data:
            raise EOFError
        parts += data
    return bytes(parts)


class Reader:
    """Takes messages out of a pipe as they come."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._held = bytearray()
        self.ended = False

    def read(self) -> Iterator[Any]:
        """Read once, where something is there, and give the messages that are whole."""
        data = os.read(self._pipe, 1 << 20)
        self.ended = not data
        self._held += data
        start = 0
        while len(self._held) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._held, start)
            end = start + _LENGTH.size + length
            if len(self._held) < end:
                break
            yield pickle.loads(self._held[start + _LENGTH.size : end])  # noqa: S301
            start = end
        del self._held[:start]
