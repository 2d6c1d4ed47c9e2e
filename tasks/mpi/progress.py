"""Says how far the work of all ranks is: point-to-point messages, which rank 0 prints."""

from __future__ import annotations

from typing import Any

TAG = 1


class Progress:
    """Items done, of those of all ranks.

    Parameters
    ----------
    comm : MPI.Comm
        All ranks.
    items : int
        How many there are in all.
    """

    def __init__(self, comm: Any, items: int) -> None:
        self.comm, self.items, self.seen = comm, items, 0
        self.sent: list[Any] = []

    def done(self) -> None:
        """Tell that one more is done; nobody waits. Rank 0 prints what it has heard meanwhile."""
        if self.comm.Get_rank() == 0:
            self._print()  # a rank that sends to itself may wait for itself to receive
            while self.comm.iprobe(tag=TAG):
                self._hear()
        else:
            self.sent.append(self.comm.isend(None, dest=0, tag=TAG))

    def all_done(self) -> None:
        """Wait until rank 0 has heard of all."""
        if self.comm.Get_rank() == 0:
            while self.seen < self.items:
                self._hear()
        for request in self.sent:
            request.wait()

    def _hear(self) -> None:
        self.comm.recv(tag=TAG)
        self._print()

    def _print(self) -> None:
        self.seen += 1
        print(f"progress {self.seen}/{self.items}", flush=True)
