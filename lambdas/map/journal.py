"""How earlier tries of a batch ended, and between which items they were killed.

A call that is killed says nothing. So each try writes once that it has begun; where one before it
began without ending, it splits what is left into parts and writes, before each, which one comes.
The part at which a try was killed is split again by the next, down to the item. A try that stops
by itself says so, and a throttled one was never begun: neither makes the next write more. ::

    journal/<first>/<attempt>.json    {"open": null}     it began
                                      {"open": "0-57"}   this part was running
                                      {"open": ""}       it ended by itself
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace.lake import Range, format_ranges, get_json, item_text, parse_ranges, put_json
from lambdas.map.mapper import Mapper

#: Parts that one try writes down at most: some 20 ms each. A batch of 100,000 items comes down to
#: the item in three tries.
PARTS = 64


@dataclass
class Journal:
    """One try's look at those before it.

    Parameters
    ----------
    mapper : Mapper
    prefix : str
        Of the stage's try.
    first : int
        The batch's first item.
    attempt : int
        This try, from 0.

    Attributes
    ----------
    killed : bool
        Whether an earlier try was.
    open : list of (int, int)
        Parts at which they were.
    """

    mapper: Mapper
    prefix: str
    first: int
    attempt: int
    killed: bool = field(init=False, default=False)
    open: list[Range] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        for attempt in range(self.attempt):
            told = get_json(self.mapper.s3, self.mapper.bucket, self._key(attempt))
            if told is not None and told["open"] != "":
                self.killed = True
                self.open += parse_ranges(told["open"] or "")

    def _key(self, attempt: int) -> str:
        return f"{self.prefix}journal/{item_text(self.first)}/{attempt}.json"

    def _write(self, told: str | None) -> None:
        put_json(self.mapper.s3, self.mapper.bucket, self._key(self.attempt), {"open": told})

    def begin(self) -> None:
        """Write that this try runs, and no item of which it could be told."""
        self._write(None)

    def end(self) -> None:
        """Write that this try stopped by itself."""
        self._write("")

    def parts(self, items: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """Split items, given as (number, item).

        Each part is written down before it comes, and that none runs after the last.
        """
        if not self.killed:
            yield items
            return
        size = -(-len(items) // PARTS) or 1
        for start in range(0, len(items), size):
            part = items[start : start + size]
            self._write(format_ranges([(part[0][0], part[-1][0])]))
            yield part
        self._write(None)  # what is written next is no item's fault

    def hits(self, item: int) -> int:
        """How often a try was killed at a part with this item."""
        return sum(low <= item <= high for low, high in self.open)

    def strikes(self, item: int) -> int:
        """How often a try was killed at this item alone."""
        return self.open.count((item, item))
