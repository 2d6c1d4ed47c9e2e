"""Appends staged rows to one table, and moves its marks in the same transaction."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThanOrEqual, Reference
from pyiceberg.expressions.literals import literal
from pyiceberg.table import Table

from lambdas.commit.resend import Landed, Marks, Message, new_rows

#: Tries at one commit. Land's tables have one committer, so another writer is someone's
#: OPTIMIZE or DELETE, which comes rarely and passes.
ATTEMPTS = 5


class StagedError(ValueError):
    """A staged file doesn't fit its table."""


@dataclass
class Outcome:
    """What became of a table's messages.

    Parameters
    ----------
    committed : int
        Messages, from the first, that are done.
    rows : int
        Rows appended.
    resent : int
        Rows dropped, being in the table already.
    error : Exception, optional
        Why the messages after ``committed`` are not done.
    """

    committed: int = 0
    rows: int = 0
    resent: int = 0
    error: Exception | None = None


@dataclass
class _Pending:
    """Rows that wait for the commit, and the marks that go with them."""

    marks: Marks
    parts: list[pa.Table] = field(default_factory=list)
    read: int = 0


def read_staged(s3: Any, bucket: str, message: Message) -> pa.Table:
    """Read a staged file.

    It may hold other rows than its message counted, where a new transform was deployed between
    two deliveries of one batch: the file is what land said last.
    """
    body = s3.get_object(Bucket=bucket, Key=message.key)["Body"].read()
    return pq.read_table(io.BytesIO(body))


def append(
    catalog: Catalog,
    name: tuple[str, str],
    messages: Sequence[Message],
    read: Callable[[Message], pa.Table],
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Commit messages of one table, in order, as one append.

    Parameters
    ----------
    catalog : Catalog
    name : (str, str)
        Database and table.
    messages : sequence of Message
        In the order of the queue.
    read : callable
        Gives the rows of a message.
    sleep : callable
        Waits between attempts.

    Returns
    -------
    Outcome
        Where a message can't be read or doesn't fit the table, those before it are committed.
    """
    outcome = Outcome()
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return _attempt(catalog.load_table(name), messages, read)
            except CommitFailedException:
                if attempt == ATTEMPTS:
                    raise
                sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 - jitter
    except Exception as error:  # reported: the queue delivers all of the messages again
        outcome.error = error
    return outcome


def _attempt(
    table: Table, messages: Sequence[Message], read: Callable[[Message], pa.Table]
) -> Outcome:
    outcome = Outcome()
    pending = _Pending(Marks.of(table.properties))
    schema = table.schema().as_arrow()
    for message in messages:
        try:
            rows = fit(read(message), schema, message)
        except Exception as error:  # reported, with this message as the first not done
            outcome.error = error
            break
        fresh = new_rows(rows, message, pending.marks, _landed(table, pending.parts))
        pending.marks.note(message)
        pending.parts.append(fresh)
        pending.read += rows.num_rows
        outcome.committed += 1
    fresh = pa.concat_tables(pending.parts) if pending.parts else schema.empty_table()
    _commit(table, fresh, pending.marks)
    outcome.rows, outcome.resent = fresh.num_rows, pending.read - fresh.num_rows
    return outcome


def _commit(table: Table, rows: pa.Table, marks: Marks) -> None:
    """Append rows and set marks in one transaction; nothing where no row is new.

    The append asserts the snapshot that the marks were read with, so a stale committer fails.
    A commit of properties alone would assert nothing, and what it could say, that known rows
    came again, is not needed to know them.
    """
    if not rows.num_rows:
        return
    changed = {k: v for k, v in marks.properties().items() if table.properties.get(k) != v}
    with table.transaction() as transaction:
        transaction.append(rows)
        transaction.set_properties(changed)


def fit(rows: pa.Table, schema: pa.Schema, message: Message) -> pa.Table:
    """Bring staged rows into a table's columns, by name; a column that they lack is null.

    Raises
    ------
    StagedError
        For a column that the table lacks.
    pyarrow.ArrowInvalid
        For a value that the table's type can't hold.
    """
    if extra := [n for n in rows.column_names if n not in schema.names]:
        raise StagedError(
            f"While committing {message.key}, found columns {extra} that table {message.table} "
            "lacks. Deploy the study, which adds them; the message is tried again."
        )
    columns = [
        pc.cast(rows.column(f.name), f.type, safe=True)
        if f.name in rows.column_names
        else pa.nulls(rows.num_rows, f.type)
        for f in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _landed(table: Table, waiting: Sequence[pa.Table]) -> Landed:
    """A look at the rows of a source: in the table, and in what this commit will add."""

    def look(source: str, first: str, last: str) -> set[tuple[str, int]]:
        columns = ("_source", "_sequence", "_index")
        scan = table.scan(
            row_filter=And(
                EqualTo(term=Reference("_source"), value=literal(source)),
                GreaterThanOrEqual(term=Reference("_sequence"), value=literal(first)),
                LessThanOrEqual(term=Reference("_sequence"), value=literal(last)),
            ),
            selected_fields=columns,
        )
        found = set()
        for rows in (scan.to_arrow(), *waiting):
            told = zip(*(rows.column(c).to_pylist() for c in columns), strict=True)
            found |= {(s, i) for src, s, i in told if src == source and first <= s <= last}
        return found

    return look
