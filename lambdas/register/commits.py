"""Commits to Iceberg tables that are the same if done twice.

Each gives its rows a mark that it finds again: a try's name in a property, a source or a run in
a column. What others commit meanwhile makes a commit fail, and it is made anew.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table

from headrace.lake import RUN_MARK

#: Tries at one commit. Others write a stage's table never, the quarantine now and then.
ATTEMPTS = 8
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


def replace_table(
    catalog: Catalog,
    name: tuple[str, str],
    rows: Callable[[], Iterable[pa.RecordBatch]],
    schema: pa.Schema,
    run: str,
    stage: str,
    try_: str,
    sleep: Sleep = time.sleep,
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
    run, stage, try_ : str
        Whose rows they are.
    sleep : callable
        Waits between tries.

    Returns
    -------
    int
        Id of the snapshot that has them.
    """

    def commit() -> int:
        table = catalog.load_table(name)
        mark = f"{run}/{try_}"
        if table.properties.get(RUN_MARK) == mark:
            for _ in rows():  # the checksum is taken as they pass
                pass
            return _snapshot_of(table, run, stage)
        wanted = table.schema().as_arrow()
        reader = pa.RecordBatchReader.from_batches(wanted, _fitted(rows(), schema, wanted))
        told = {"headrace.run": run, "headrace.stage": stage}
        with table.transaction() as transaction:
            if table.current_snapshot():
                transaction.overwrite(reader, snapshot_properties=told)
            else:  # nothing to delete, of which pyiceberg would warn
                transaction.append(reader, snapshot_properties=told)
            transaction.set_properties({RUN_MARK: mark})
        return _snapshot_of(table, run, stage)

    return persist(commit, sleep)


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
    sleep: Sleep = time.sleep,
) -> None:
    """Replace the rows of a table that an expression tells by others.

    Where none is there, nothing is rewritten; where also none comes, nothing is committed.
    """

    def commit() -> None:
        table = catalog.load_table(name)
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
