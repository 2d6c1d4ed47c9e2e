"""The results of a run as files: its tables at their snapshots, and its queries' answers.

A table comes by UNLOAD, whose files have no order: its rows are sorted by ``_item`` and then by
all other columns, so that two packages of one run are equal byte for byte. It passes through
memory.
"""

# ruff: noqa: S608 (this writes SQL: names are the plan's)

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import sqlglot

from headrace.lake import arrow_schema
from headrace.plan import Column, TablePlan
from headrace.provenance.reading import Lake

#: A table whose Parquet is larger is not written as CSV beside it.
CSV_MOST_BYTES = 50_000_000


def table(lake: Lake, made: TablePlan, snapshot: int) -> pa.Table:
    """A stage's table at a snapshot, in its own order.

    Parameters
    ----------
    lake : Lake
    made : TablePlan
        The stage's table, for the names and types of its columns.
    snapshot : int

    Raises
    ------
    headrace.sql.QueryError
        Where the snapshot is gone, or the table has no such column any more.
    """
    columns = (*made.columns, *made.lineage)
    # Results expire under this prefix: docs/contracts.md, Objects in the lake bucket.
    prefix = f"athena/package/{uuid.uuid4().hex}/"
    lake.ask(unload_sql(made.name, columns, snapshot, f"s3://{lake.bucket}/{prefix}"))
    parts = [_typed(part, columns) for part in _unloaded(lake, prefix)]
    rows = pa.concat_tables(parts) if parts else _typed(None, columns)
    names = [c.name for c in (*made.lineage, *made.columns)]
    return rows.sort_by([(name, "ascending") for name in names])


def unload_sql(name: str, columns: Sequence[Column], snapshot: int, to: str) -> str:
    """UNLOAD of a table at a snapshot.

    Times go as text: a Hive timestamp holds milliseconds, Iceberg's microseconds, and there is
    none with a zone (https://docs.aws.amazon.com/athena/latest/ug/unload.html#unload-considerations-and-limitations).
    """
    told = ", ".join(
        f'CAST("{c.name}" AS varchar) AS "{c.name}"' if c.type == "timestamptz" else f'"{c.name}"'
        for c in columns
    )
    return (
        f'UNLOAD (SELECT {told} FROM "{name}" FOR VERSION AS OF {snapshot})'
        f" TO '{to}' WITH (format = 'PARQUET', compression = 'ZSTD')"
    )


def _unloaded(lake: Lake, prefix: str) -> Iterator[pa.Table]:
    pages = lake.s3.get_paginator("list_objects_v2").paginate(Bucket=lake.bucket, Prefix=prefix)
    for page in pages:
        for found in page.get("Contents", ()):
            body = lake.object(found["Key"])
            yield pq.read_table(pa.BufferReader(body), partitioning=None)


def _typed(part: pa.Table | None, columns: Sequence[Column]) -> pa.Table:
    """A table with the plan's own types, whatever Hive made of them."""
    schema = arrow_schema([(c.name, c.type, False) for c in columns])
    if part is None:
        return schema.empty_table()
    return pa.Table.from_arrays([_column(part[f.name], f.type) for f in schema], schema=schema)


def _column(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_timestamp(kind) and not pa.types.is_timestamp(values.type):
        local = pc.replace_substring_regex(values, r" UTC$", "")
        return pc.assume_timezone(local.cast(pa.timestamp("us")), "UTC")
    return values.cast(kind)


def write(rows: pa.Table, stem: Path) -> list[Path]:
    """Write rows as Parquet and, where that is not too large, as CSV.

    Parameters
    ----------
    rows : pyarrow.Table
    stem : Path
        The files' path without a suffix.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    written = [stem.with_name(f"{stem.name}.parquet")]
    pq.write_table(rows, written[0], compression="zstd")
    if written[0].stat().st_size <= CSV_MOST_BYTES:
        written.append(stem.with_name(f"{stem.name}.csv"))
        pcsv.write_csv(plain(rows), written[1])
    return written


def plain(rows: pa.Table) -> pa.Table:
    """Rows that CSV can hold: bytes as hexadecimal digits."""
    for place, field in enumerate(rows.schema):
        if pa.types.is_binary(field.type):
            told = [None if v is None else v.hex() for v in rows[field.name].to_pylist()]
            rows = rows.set_column(place, field.name, pa.array(told, pa.string()))
    return rows


def answer(lake: Lake, sql: str) -> pa.Table:
    """A query asked again, at the snapshots that its SQL names.

    Rows that no ORDER BY puts in order are sorted by all their columns.
    """
    rows = lake.ask(sql)
    if sqlglot.parse_one(sql, read="athena").args.get("order") or not rows.num_rows:
        return rows
    return _sorted(rows)


def _sorted(rows: pa.Table) -> pa.Table:
    def key(row: Sequence[Any]) -> list[tuple[bool, str]]:
        return [(value is not None, repr(value)) for value in row]

    values = list(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    order = sorted(range(len(values)), key=lambda n: key(values[n]))
    return rows.take(pa.array(order, pa.int64()))


def csv_text(rows: pa.Table) -> str:
    """An answer as CSV with a header; a null is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows.column_names)
    for row in zip(*(column.to_pylist() for column in plain(rows).columns), strict=True):
        writer.writerow(str(v).lower() if isinstance(v, bool) else v for v in row)
    return text.getvalue()
