"""One batch: every item becomes rows, or a row among the bad, whatever the items do.

An item near which a try was killed comes after those that are above suspicion, and these are
safely written before. ::

    items by how often a try was killed at their part
        never ──▶ out so far ──▶ once ──▶ out so far ──▶ twice, ... ──▶ out, whole
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace.lake import Range, union
from lambdas.map.call import Failure
from lambdas.map.errors import OutOfTime
from lambdas.map.journal import Journal
from lambdas.map.kept import Kept
from lambdas.map.mapper import Mapper
from lambdas.map.output import Output
from lambdas.map.rows import Given
from lambdas.map.supervisor import Item

#: Tries that were killed at an item alone: after so many it isn't run again.
STRIKES = 2
#: Seconds of a call that its caller counts and the function doesn't see: its start.
_START_S = 10


@dataclass
class Batch:
    """One call's batch.

    Parameters
    ----------
    mapper : Mapper
    prefix : str
        Of the stage's try.
    first, last : int
        Items, both included.
    attempt : int
        How often it was tried before.
    """

    mapper: Mapper
    prefix: str
    first: int
    last: int
    attempt: int
    began: float = field(default_factory=time.monotonic)
    _done: list[Range] = field(init=False, default_factory=list)
    _ran: int = field(init=False, default=0)  # items, in this call

    def __post_init__(self) -> None:
        self._output = Output(self.mapper.name, self.mapper.stage["columns"])
        self._kept = Kept(self.mapper, self.prefix, self.first)

    def run(self, left_s: float) -> dict[str, int]:
        """Run it.

        Parameters
        ----------
        left_s : float
            Seconds that this call has.

        Returns
        -------
        dict
            ``first``, ``last``, ``items``, ``failed``.

        Raises
        ------
        OutOfTime
            Where items are left; what was done is kept for the next try.
        """
        told = None
        if self.attempt or self.first in self.mapper.items(self.prefix)[1].get("kept", ()):
            self._done, told = self._kept.take(self._output)
        if told is None:
            told = self._begun(left_s)
        return {"first": self.first, "last": self.last, **{k: told[k] for k in ("items", "failed")}}

    def _begun(self, left_s: float) -> dict[str, Any]:
        self._journal = Journal(self.mapper, self.prefix, self.first, self.attempt)
        self._journal.begin()
        try:
            return self._run(left_s)
        except Exception:  # it was not killed: no item is to blame
            self._journal.end()
            raise

    def _run(self, left_s: float) -> dict[str, Any]:
        file, facts = self.mapper.items(self.prefix)
        self.mapper.supervisor.peak = 0
        self.began -= self._output.ms / 1000
        limit_s = min(left_s, facts["batch_timeout_s"] - _START_S)
        deadline = self.mapper.deadline(limit_s)
        levels: dict[int, list[Item]] = defaultdict(list)
        for number, item in file.rows(self.first, self.last):
            if self._has(number):
                continue
            if self._journal.strikes(number) >= STRIKES:
                self._add(number, item, self._killed(number))
            else:
                levels[self._journal.hits(number)].append((number, item))
        for hits in sorted(levels):
            waiting = [item for n in sorted(levels) if n >= hits for item in levels[n]]
            if hits:
                told = self._write(waiting)
                if told["done"] is None:  # by another call of this batch
                    return told
            ran = self._level(levels[hits], deadline)
            if ran < len(levels[hits]):
                return self._out_of_time(waiting[ran:], limit_s)
        return self._write()

    def _has(self, number: int) -> bool:
        return any(low <= number <= high for low, high in self._done)

    def _level(self, items: Sequence[Item], deadline: float) -> int:
        """Run items; gives how many of them, from the first, are done."""
        ran = 0
        for part in self._journal.parts(items):
            before = ran
            for told in self.mapper.supervisor.run(
                part, self.mapper.stage["item_timeout_s"], deadline
            ):
                cut = isinstance(told.answer, Failure) and told.answer.kind == "deadline"
                if cut and self._ran:  # it may have more time at the next try
                    return ran
                self._add(told.number, told.item, told.answer)
                self._ran += 1
                ran += 1
            if ran - before < len(part):
                return ran
        return ran

    def _add(self, number: int, item: dict[str, Any], answer: Given | Failure) -> None:
        self._output.add(number, item, answer)
        self._done.append((number, number))

    def _killed(self, number: int) -> Failure:
        times, alone = self._journal.hits(number), self._journal.strikes(number)
        near = "it" if alone else "it or one near it"
        return Failure(
            f"its function was killed while {near} ran, {alone or times} times", "killed"
        )

    def _write(self, waiting: Sequence[Item] = ()) -> dict[str, Any]:
        """Write what is done; what waits counts as given up, should no try come after."""
        self._output.ms = self._ms()
        shown = self._output.branch()
        for number, item in waiting:
            late = Failure("no time was left to run it", "deadline")
            shown.add(number, item, self._killed(number) if self._journal.hits(number) else late)
        self._done = union(self._done)
        done = self._done if waiting else None
        peak_mib = self.mapper.supervisor.settle()
        return self._kept.write(shown, peak_mib, done, self._output.failed)

    def _out_of_time(self, waiting: Sequence[Item], limit_s: float) -> dict[str, Any]:
        told = self._write(waiting)
        if told["done"] is None:
            return told
        raise OutOfTime(
            f"While mapping items {self.first} to {self.last} of stage {self.mapper.name}, found "
            f"{len(waiting)} left after {limit_s:.0f} s. The next try goes on from there; lower "
            "batch_items if it happens often."
        )

    def _ms(self) -> float:
        return (time.monotonic() - self.began) * 1000
