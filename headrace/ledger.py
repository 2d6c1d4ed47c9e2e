"""The books: what was pushed against what became rows, shard by shard.

    pushed  =  rows  +  quarantined        (missing is the difference, and should be 0)

:mod:`headrace.pushed` counts the stream, :mod:`headrace.landed` the tables; a record counts for
the shard that had it first.

What the books can't see: records older than the stream's retention, and a record without a
number that was sent twice (it was pushed twice, and lands twice). Where a stream was resharded
and its older shard has expired, a record sent before and after counts as pushed for the newer
shard and as a row for the older; the sum is right.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from headrace import stuck
from headrace.errors import HeadraceError
from headrace.landed import Landed, landed
from headrace.plan import Plan
from headrace.pushed import Pushed, pushed
from headrace.stuck import Stuck
from stream import kinesis

Ask = Callable[[str], pa.Table]
NAMES = ("source", "pushed", "resent", "rows", "quarantined", "missing")


class NotLandedError(HeadraceError):
    """Records that were pushed don't become rows."""


@dataclass(frozen=True)
class Line:
    """One shard's line."""

    source: str
    pushed: int
    resent: int
    rows: int
    quarantined: int

    @property
    def missing(self) -> int:
        """Pushed and nowhere to be found; below 0, there more than once."""
        return self.pushed - self.rows - self.quarantined

    def document(self) -> dict[str, Any]:
        """The line with its difference."""
        return {name: getattr(self, name) for name in NAMES}


@dataclass(frozen=True)
class Ledger:
    """The books of a study.

    Parameters
    ----------
    lines : list of Line
        One a shard.
    reasons : dict
        Why records were quarantined, and how many.
    stuck : Stuck
        What waits, and what was given up.
    """

    lines: list[Line]
    reasons: dict[str, int]
    stuck: Stuck

    def sum(self) -> Line:
        """All shards together."""
        names = ("pushed", "resent", "rows", "quarantined")
        return Line("all", *(sum(getattr(line, name) for line in self.lines) for name in names))

    @property
    def balanced(self) -> bool:
        """Whether no shard misses a record or has one twice."""
        return all(line.missing == 0 for line in self.lines)

    def verdict(self) -> str:
        """The books in a sentence or two."""
        total = self.sum()
        if not self.lines:
            return "The stream holds no record, so there is nothing to compare."
        kept = f"{total.pushed:,} pushed, {total.rows:,} rows, {total.quarantined:,} quarantined"
        if self.balanced:
            return f"Every record is there, and once: {kept}."
        short = sum(max(0, line.missing) for line in self.lines)
        over = sum(max(0, -line.missing) for line in self.lines)
        return (
            f"{short:,} records are missing, or still on their way, and {over:,} too many: {kept}. "
            f"{self.stuck.words()}"
        )

    def table(self) -> pa.Table:
        """One line a shard and, where there are several, the sum."""
        lines = [*self.lines, self.sum()] if len(self.lines) != 1 else self.lines
        return pa.table({name: [getattr(line, name) for line in lines] for name in NAMES})

    def document(self) -> dict[str, Any]:
        """All of it as JSON would have it."""
        return {
            "shards": [line.document() for line in self.lines],
            "total": self.sum().document(),
            "balanced": self.balanced,
            "reasons": self.reasons,
            "stuck": asdict(self.stuck),
        }


def take(plan: Plan, client: Callable[[str], Any], bucket: str, ask: Ask) -> Ledger:
    """Read the stream, ask the tables, and look where what is missing may be.

    Parameters
    ----------
    plan : Plan
    client : callable
        Makes a boto3 client of a service.
    bucket : str
        The lake's.
    ask : callable
        Runs SQL and gives the rows.
    """
    was = pushed(kinesis.read(client("kinesis"), plan.stream))
    found = landed(plan, was, ask)
    return Ledger(balance(was, found), dict(found.reasons), stuck.look(plan, client, bucket))


def balance(was: Pushed, found: Landed) -> list[Line]:
    """Put what was pushed beside what landed: a line for each source that either knows."""
    new = {name: (count, resent) for name, count, resent in was.counts()}
    names = sorted({*new, *found.rows, *found.quarantined})
    return [
        Line(name, *new.get(name, (0, 0)), found.rows[name], found.quarantined[name])
        for name in names
    ]


def wait(
    plan: Plan,
    client: Callable[[str], Any],
    bucket: str,
    ask: Ask,
    *,
    patience_s: float = 120.0,
    on_count: Callable[[int, int], None] = lambda done, total: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Ledger:
    """Wait until all that the stream holds now has landed.

    Parameters
    ----------
    plan, client, bucket, ask
        As :func:`take` has them.
    patience_s : float
        Seconds without a single new row after which it gives up.
    on_count : callable
        Told how many records have landed, and of how many.
    clock, sleep : callable
        Seconds that pass, and how to let them pass.

    Raises
    ------
    NotLandedError
        Where nothing more lands, or batches were given up.
    """
    was = pushed(kinesis.read(client("kinesis"), plan.stream))
    total, last, since = was.total(), -1, clock()
    before = stuck.look(plan, client, bucket)
    while True:
        found = landed(plan, was, ask)
        now = stuck.look(plan, client, bucket)
        on_count(min(found.total(), total), total)
        if found.total() >= total:
            return Ledger(balance(was, found), dict(found.reasons), now)
        if found.total() > last:
            last, since = found.total(), clock()
        if now.given_up > before.given_up or clock() - since > patience_s:
            raise NotLandedError(
                f"waiting for {total:,} records to land",
                f"{last:,} of them, none new for {clock() - since:.0f} s. {now.words()}",
                f"Read the logs of {plan.function('land')} and {plan.function('commit')}.",
            )
        sleep(1.0)
