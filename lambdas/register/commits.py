"""Commits to Iceberg tables that are the same if done twice.

Each gives its rows a mark that it finds again: a try's name in a property, a source or a run in
a column. What others commit meanwhile makes a commit fail, and it is made anew; but what a later
try has written is not replaced: a call goes on after its execution was stopped.
"""

from __future__ import annotations

import datetime
import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.io.pyarrow import write_file
from pyiceberg.table import Table, WriteTask

from headrace.lake import RUN_MARK, STARTED_MARK

#: Tries at one commit. Others write a stage's table never, the quarantine now and then.
ATTEMPTS = 8
#: Bytes of rows that are written as one file; twice as much is in memory. pyiceberg reads all of
#: what it is given in one piece before it writes.
PART_BYTES = 256 << 20
Sleep = Callable[[float], None]
T = TypeVar("T")


def persist(commit: Callable[[], T], sleep: Sleep = time.sleep) -> T:
    """Commit, again and again where another writer came first."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return commit()
        except CommitFailedException:
            if attempt == ATTEMPTS:
                raise
            sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 - jitter
    raise AssertionError("unreachable")


class Superseded(RuntimeError):  # noqa: N818 - the name that the run shows
    """A later try has written what this one was about to."""


@dataclass(frozen=True)
class Try:
    """Whose rows a commit brings.

    Parameters
    ----------
    run, stage, name : str
    started : str
        When it was prepared, in ISO 8601: of two tries, the later one's rows stay.
    """

    run: str
    stage: str
    name: str
    started: str

    @property
    def mark(self) -> str:
        """As a table keeps it."""
        return f"{self.run}/{self.name}"

    def yields_to(self, mark: str | None, started: str | None) -> None:
        """Look at who wrote last.

        Raises
        ------
        Superseded
            Where it was another try that was prepared later.
        """
        if not mark or not started or mark == self.mark or _at(started) <= _at(self.started):
            return
        raise Superseded(
            f"While registering stage {self.stage} of run {self.mark}, prepared {self.started}, "
            f"found {mark} of {started} there already. The later one stays; redo the stage if "
            "this one's rows are wanted."
        )


def _at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def replace_table(
    catalog: Catalog,
    name: tuple[str, str],
    rows: Callable[[], Iterable[pa.RecordBatch]],
    schema: pa.Schema,
    by: Try,
    sleep: Sleep = time.sleep,
    part_bytes: int = PART_BYTES,
) -> int:
    """Replace all rows of a table, and mark it, in one transaction.

    Parameters
    ----------
    catalog : Catalog
    name : (str, str)
        Database and table.
    rows : callable
        Gives the rows from the beginning; called once for each try, and where the table has
        them already it is called and read too.
    schema : pyarrow.Schema
        Of the rows.
    by : Try
        Whose rows they are.
    sleep : callable
        Waits between tries.
    part_bytes : int
        Of rows that are in memory at a time.

    Returns
    -------
    int
        Id of the snapshot that has them.

    Raises
    ------
    Superseded
    """

    def commit() -> int:
        table = catalog.load_table(name)
        mark = table.properties.get(RUN_MARK)
        # Who comes between this look and the commit makes it fail: it asserts the snapshot.
        by.yields_to(mark, table.properties.get(STARTED_MARK))
        if mark == by.mark:
            for _ in rows():  # the checksum is taken as they pass
                pass
            return _snapshot_of(table, by.run, by.stage)
        wanted = table.schema().as_arrow()
        told = {"headrace.run": by.run, "headrace.stage": by.stage}
        numbers = itertools.count()
        with table.transaction() as transaction:
            if table.current_snapshot():  # or nothing is to delete, of which pyiceberg would warn
                transaction.delete(AlwaysTrue(), snapshot_properties=told)
            # Not `append`, part by part: a scan would give the last one's rows first.
            with transaction.update_snapshot(snapshot_properties=told).fast_append() as added:
                for part in _parts(_fitted(rows(), schema, wanted), part_bytes):
                    task = WriteTask(added.commit_uuid, next(numbers), table.schema(), part)
                    for file in write_file(table.io, table.metadata, iter([task])):
                        added.append_data_file(file)
            transaction.set_properties({RUN_MARK: by.mark, STARTED_MARK: by.started})
        return _snapshot_of(table, by.run, by.stage)

    return persist(commit, sleep)


def _parts(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[list[pa.RecordBatch]]:
    """Batches in lists of some size."""
    held: list[pa.RecordBatch] = []
    more = size
    for batch in batches:
        held.append(batch)
        more -= batch.nbytes
        if more <= 0:
            yield held
            held, more = [], size
    if held:
        yield held


def _snapshot_of(table: Table, run: str, stage: str) -> int:
    """The newest snapshot that a run's stage made."""
    for snapshot in sorted(table.snapshots(), key=lambda s: s.sequence_number or 0, reverse=True):
        told: dict[str, Any] = snapshot.summary.additional_properties if snapshot.summary else {}
        if (told.get("headrace.run"), told.get("headrace.stage")) == (run, stage):
            return int(snapshot.snapshot_id)
    raise LookupError(
        f"While registering stage {stage} of run {run}, found no snapshot of it in "
        f"{'.'.join(table.name())}, though its mark is there. Someone expired it: redo the stage."
    )


def _fitted(
    rows: Iterable[pa.RecordBatch], schema: pa.Schema, wanted: pa.Schema
) -> Iterable[pa.RecordBatch]:
    """Rows with a table's columns; those that the stage has no more are null."""
    for batch in rows:
        columns = [
            batch.column(f.name).cast(f.type)
            if f.name in schema.names
            else pa.nulls(batch.num_rows, f.type)
            for f in wanted
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=wanted)


def replace_rows(
    catalog: Catalog,
    name: tuple[str, str],
    those: BooleanExpression,
    rows: pa.Table,
    check: Callable[[], None],
    sleep: Sleep = time.sleep,
) -> None:
    """Replace the rows of a table that an expression tells by others.

    Where none is there, nothing is rewritten; where also none comes, nothing is committed.

    Parameters
    ----------
    catalog : Catalog
    name : (str, str)
        Database and table.
    those : BooleanExpression
    rows : pyarrow.Table
    check : callable
        Raises where they may not be written any more. It is called after the table is loaded: who
        comes after the call makes this commit fail, or replaces what it wrote.
    sleep : callable
        Waits between tries.
    """

    def commit() -> None:
        table = catalog.load_table(name)
        check()
        told = table.schema().as_arrow()
        there = table.scan(row_filter=those, selected_fields=(told.names[0],)).to_arrow().num_rows
        if not there and not rows.num_rows:
            return
        fitted = pa.Table.from_batches(_fitted(rows.to_batches(), rows.schema, told), told)
        with table.transaction() as transaction:
            if there:
                transaction.delete(those)
            if rows.num_rows:
                transaction.append(fitted)

    persist(commit, sleep)
