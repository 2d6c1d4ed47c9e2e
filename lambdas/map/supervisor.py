"""Keeps one child process with a study's function in it, and gives it items.

A child that hangs is killed, as is one that outgrows its memory; one that exits is gone. Each
time another is started, and the items that were not yet run go on in it. Only in a fresh child
is an item to blame for an exit or for memory: an older one may have it from items before, and
what an item gives must not depend on which went before it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lambdas.map import frames
from lambdas.map.call import Failure
from lambdas.map.memory import LOOK_S, MIB, SOON_S, peak, resident
from lambdas.map.rows import Given

Item = tuple[int, dict[str, Any]]

#: Items of one message. Their answers come one by one.
CHUNK = 256
#: What a function's memory must hold beside its two processes, in MiB.
MARGIN_MIB = 64
#: Address space counts for far more than memory: libraries reserve what they never touch.
_SLACK_BYTES = 2 << 30
_CHILD = Path(__file__).with_name("child.py")
#: One vCPU: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
_VCPU_MIB = 1769


class ChildBroken(RuntimeError):  # noqa: N818
    """The study's function can't be imported."""


class _Gone(Exception):  # noqa: N818
    """The child can't answer any more."""

    def __init__(self, kind: str, reason: str, seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.kind, self.seconds = kind, seconds


@dataclass(frozen=True)
class Answer:
    """What became of an item.

    Parameters
    ----------
    number : int
    item : dict
    answer : Given or Failure
    seconds : float
        That it ran.
    """

    number: int
    item: dict[str, Any]
    answer: Given | Failure
    seconds: float


@dataclass
class _Child:
    process: subprocess.Popen[bytes]
    given: int
    life: int
    reader: frames.Reader
    answers: int
    held: deque[Any] = field(default_factory=deque)
    fresh: bool = True


class Supervisor:
    """Runs items in a child.

    Parameters
    ----------
    stage : dict
        From the deployed plan.
    seed : int
        The study's.
    """

    def __init__(self, stage: dict[str, Any], seed: int) -> None:
        self._stage = stage
        self._seed = seed
        self._child: _Child | None = None
        self._looked = 0.0
        self._look_s = SOON_S  # between two looks, longer the longer an item lasts
        self.peak = 0  # of the child and this process together, in bytes
        self.import_s = 0.0

    def run(self, items: Iterable[Item], item_s: float, deadline: float) -> Iterator[Answer]:
        """Run items in order.

        Parameters
        ----------
        items : iterable of (number, item)
        item_s : float
            Seconds that one may take.
        deadline : float
            Of :func:`time.monotonic`. The item that runs then fails as ``deadline``, and those
            after it are not run; where it passes while a child starts, none fails.

        Yields
        ------
        Answer
            One an item, as soon as it is known.

        Raises
        ------
        ChildBroken
            Where the function can't be imported.
        """
        waiting: deque[Item] = deque(items)
        while waiting:
            child = self._ready(deadline)
            if child is None:
                return
            answered = False
            try:
                for told in self._chunk(child, waiting, item_s, deadline):
                    waiting.popleft()
                    yield told
                answered = True
            except _Gone as gone:
                if child.fresh or gone.kind in ("hang", "deadline"):
                    number, item = waiting.popleft()
                    print(f"stage {self._stage['name']}, item {number} failed: {gone}")
                    self.stop()
                    yield Answer(number, item, Failure(str(gone), gone.kind), gone.seconds)
                    if gone.kind == "deadline":
                        return
            finally:
                if not answered:  # the caller, too, may want no more
                    self.stop()

    def _chunk(
        self, child: _Child, waiting: Sequence[Item], item_s: float, deadline: float
    ) -> Iterator[Answer]:
        """Run the first of the items that wait, in one message."""
        chunk = [waiting[n] for n in range(min(CHUNK, len(waiting)))]
        try:
            frames.send(child.given, chunk)
        except BrokenPipeError:
            raise _Gone("exit", self._ending(child)) from None
        for number, item in chunk:
            _, answer, seconds = self._next(child, item_s, deadline)
            child.fresh = False
            yield Answer(number, item, answer, seconds)

    def stop(self) -> None:
        """End the child with all that it started, and wait for it."""
        self.settle()
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()
        for pipe in (child.given, child.life, child.answers):
            os.close(pipe)

    def settle(self) -> float:
        """The most memory that the function has had resident, in MiB."""
        if self._child:
            self.peak = max(self.peak, peak(self._child.process.pid) + resident(os.getpid()))
        return self.peak / MIB

    def _ready(self, deadline: float) -> _Child | None:
        """The child, started where there is none; None where the time is up before it is."""
        if self._child is None:
            self._child = self._start()
            try:
                said, told = self._next(self._child, deadline - time.monotonic(), deadline)
            except _Gone as gone:
                if gone.kind == "deadline":  # the import may do at the next call
                    self.stop()
                    return None
                said, told = "broken", f"its import: {gone}"
            if said == "broken":
                self.stop()
                raise ChildBroken(told)
            self.import_s = told
        return self._child

    def _start(self) -> _Child:
        theirs_in, given = os.pipe()
        answers, theirs_out = os.pipe()
        theirs_life, life = os.pipe()
        pipes = (theirs_in, theirs_out, theirs_life)
        threads = str(max(1, self._stage["memory_mib"] // _VCPU_MIB))
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-u", str(_CHILD), *map(str, pipes)],
            stdin=subprocess.DEVNULL,
            pass_fds=pipes,
            start_new_session=True,
            # Calls side by side are what uses the cores, and sums of one thread repeat.
            env={f"{name}_NUM_THREADS": threads for name in ("OMP", "OPENBLAS", "MKL")}
            | dict(os.environ)
            | {"HEADRACE_SEED": str(self._seed)},
        )
        for pipe in pipes:
            os.close(pipe)
        child = _Child(process, given, life, frames.Reader(answers), answers)
        words = {name: self._stage[name] for name in ("fn", "columns", "params")}
        words |= {"path": sys.path, "seed": self._seed, "stage": self._stage["name"]}
        words["data_bytes"] = self._stage["memory_mib"] * MIB + _SLACK_BYTES
        with contextlib.suppress(BrokenPipeError):  # whoever reads next finds that it has ended
            frames.send(given, words)
        return child

    def _next(self, child: _Child, item_s: float, deadline: float) -> Any:
        """Wait for the next message, and watch."""
        began, self._look_s = time.monotonic(), SOON_S
        while not child.held:
            now = time.monotonic()
            if now >= deadline:
                raise _Gone("deadline", "the function's own time was up", now - began)
            if now >= began + item_s:
                raise _Gone("hang", f"it took longer than {item_s:g} s", item_s)
            wait_s = min(deadline - now, began + item_s - now, self._look_s)
            if select.select([child.answers], [], [], wait_s)[0]:
                child.held += child.reader.read()
                if child.reader.ended and not child.held:
                    raise _Gone("exit", self._ending(child))
            self._watch(child)
        return child.held.popleft()

    def _watch(self, child: _Child) -> None:
        """Stop a child that leaves too little memory for this process."""
        now = time.monotonic()
        if now - self._looked < self._look_s:
            return
        self._looked = now
        self._look_s = min(2 * self._look_s, LOOK_S)
        used = resident(child.process.pid)
        own = resident(os.getpid())
        self.peak = max(self.peak, used + own)
        room = self._stage["memory_mib"] * MIB - own - MARGIN_MIB * MIB
        if used > room:
            raise _Gone(
                "memory",
                f"it had {used // MIB} MiB in use, where memory_mib={self._stage['memory_mib']} "
                f"leaves it {max(room, 0) // MIB}",
            )

    def _ending(self, child: _Child) -> str:
        """How a child ended by itself."""
        try:
            code = child.process.wait(5)
        except subprocess.TimeoutExpired:
            return "it closed the pipes of its process"
        if code >= 0:
            return f"it ended its process with exit status {code}"
        return f"its process was ended by {signal.Signals(-code).name}"
