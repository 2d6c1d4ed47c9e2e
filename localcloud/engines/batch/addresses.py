"""Loopback addresses for nodes: of each running job its own, so that its ports are its own.

All of 127.0.0.0/8 is this machine (on Linux). The port of the cloud gives two bytes, so that two
clouds on one machine don't meet.
"""

from __future__ import annotations

import threading

FIRST, LAST = 2, 254


class Addresses:
    """Those of one cloud.

    Parameters
    ----------
    port : int
        The cloud's.
    """

    def __init__(self, port: int) -> None:
        self._prefix = f"127.{port >> 8}.{port & 255}"
        self._taken: set[int] = set()
        self._lock = threading.Lock()

    def take(self, count: int) -> list[str]:
        """Take so many that follow one another; none where there aren't so many."""
        with self._lock:
            for first in range(FIRST, LAST - count + 2):
                wanted = range(first, first + count)
                if self._taken.isdisjoint(wanted):
                    self._taken |= set(wanted)
                    return [f"{self._prefix}.{last}" for last in wanted]
        return []

    def give_back(self, addresses: list[str]) -> None:
        """Let others have them."""
        with self._lock:
            self._taken -= {int(each.rpartition(".")[2]) for each in addresses}
