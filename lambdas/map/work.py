"""One batch: every item becomes rows, or a row among the bad, whatever the items do.

The first try runs as fast as it can. If it was killed, the next writes a journal; an item that
ran when a try was killed comes last, after the rest is safely written. ::

    try 0   items ──────────────────────────────────────▶ out, bad
    try n   items but suspects, each in the journal ──▶ out, bad ──▶ suspects ──▶ out, bad
"""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow.parquet as pq

from headrace.lake import item_text, union
from lambdas.map.call import Failure
from lambdas.map.errors import OutOfTime
from lambdas.map.journal import Journal
from lambdas.map.mapper import Mapper
from lambdas.map.output import Output, figures, packed
from lambdas.map.supervisor import Answer, Item

#: Killed tries of which an item was the last: beyond them it isn't run again.
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
        told = self._written() if self.attempt else None
        if told is None:
            told = self._run(left_s)
        return {"first": self.first, "last": self.last, **{k: told[k] for k in ("items", "failed")}}

    def _run(self, left_s: float) -> dict[str, Any]:
        file, facts = self.mapper.items(self.prefix)
        self.mapper.supervisor.peak = 0
        output = Output(self.mapper.name, self.mapper.stage["columns"])
        journal = Journal(self.mapper, self.prefix, self.first, self.attempt)
        done, strikes = journal.earlier(output) if self.attempt else ([], Counter[int]())
        self.began -= output.ms / 1000
        limit_s = min(left_s, facts["batch_timeout_s"] - _START_S)
        deadline = self.mapper.deadline(limit_s)
        left = [
            item
            for item in file.rows(self.first, self.last)
            if not any(low <= item[0] <= high for low, high in done)
        ]
        plain = [item for item in left if not strikes[item[0]]]
        numbers = self._answer(plain, output, journal, deadline)
        if len(numbers) < len(plain):
            done = union(done, [(n, n) for n in numbers])
            output.ms = self._ms()
            journal.save(output, done, self.mapper.supervisor.settle())
            raise OutOfTime(
                f"While mapping items {self.first} to {self.last} of stage {self.mapper.name}, "
                f"found {len(plain) - len(numbers)} left after {limit_s:.0f} s. The next try "
                "goes on from there; lower batch_items if it happens often."
            )
        suspects = [item for item in left if strikes[item[0]]]
        if suspects:
            output = self._suspects(suspects, strikes, output, journal, deadline)
        return self._write(output)

    def _answer(
        self, items: Sequence[Item], output: Output, journal: Journal, deadline: float
    ) -> list[int]:
        """Run items; gives the numbers of those that are done, the first at least."""
        numbers: list[int] = []
        for told in self._answers(items, journal, deadline):
            cut = isinstance(told.answer, Failure) and told.answer.kind == "deadline"
            if cut and numbers:  # it may have more time at the next try
                break
            output.add(told.number, told.item, told.answer)
            numbers.append(told.number)
            if cut:
                break
        return numbers

    def _answers(
        self, items: Sequence[Item], journal: Journal, deadline: float
    ) -> Iterator[Answer]:
        run, item_s = self.mapper.supervisor.run, self.mapper.stage["item_timeout_s"]
        if not self.attempt:
            yield from run(items, item_s, deadline)
            return
        for item in items:
            journal.begin(item[0])
            yield from run([item], item_s, deadline)

    def _suspects(
        self,
        suspects: Sequence[Item],
        strikes: Counter[int],
        output: Output,
        journal: Journal,
        deadline: float,
    ) -> Output:
        """Write the batch without its suspects, then try those that may be innocent."""
        without = output.branch()
        for number, item in suspects:
            said = f"its function was killed while it ran, {strikes[number]} times"
            failure = Failure(said, "killed")
            without.add(number, item, failure)
            if strikes[number] >= STRIKES:
                output.add(number, item, failure)
        self._write(without, suspects=True)
        again = [item for item in suspects if strikes[item[0]] < STRIKES]
        numbers = self._answer(again, output, journal, deadline)
        for number, item in again[len(numbers) :]:
            output.add(number, item, Failure("no time was left to try it again", "deadline"))
        return output

    def _write(self, output: Output, suspects: bool = False) -> dict[str, Any]:
        """Write both files, the rows last: where they are, the batch is done."""
        output.ms = self._ms()
        told = output.told(self.mapper.supervisor.settle()) | {"suspects": suspects}
        self.mapper.put(self._key("bad"), packed(output.bad(), told))
        self.mapper.put(self._key("out"), packed(output.rows(), told))
        return told

    def _written(self) -> dict[str, Any] | None:
        """The figures of a try that was done, and whose answer was lost."""
        s3 = self.mapper.s3
        try:
            body = s3.get_object(Bucket=self.mapper.bucket, Key=self._key("out"))["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        told = figures(pq.read_table(io.BytesIO(body)))
        return None if told["suspects"] else told

    def _key(self, kind: str) -> str:
        return f"{self.prefix}{kind}/{item_text(self.first)}.parquet"

    def _ms(self) -> float:
        return (time.monotonic() - self.began) * 1000
