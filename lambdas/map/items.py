"""A stage's items: gathered, brought into an order of their own, and read again in parts.

They are sorted by all of their columns, so that an item has the same number whichever files
Athena wrote it to, and ``items.parquet`` the same bytes. ::

    in/*  or a listing ──▶ sorted ──▶ items.parquet ──rows first to last──▶ a worker
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.lake import listed

#: Of a row group: a worker reads whole ones, so they are small, and there are few of them.
_GROUP_BYTES = 1 << 20
_GROUP_ROWS = 4096
#: Smaller files are read at once.
_WHOLE_BYTES = 8 << 20

_OBJECTS = pa.schema(
    [
        pa.field("uri", pa.string(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("etag", pa.string(), nullable=False),
    ]
)


class Gathered:
    """A stage's items, and which objects they are from.

    Parameters
    ----------
    table : pyarrow.Table
        In their order.
    files : list of str
        Keys, or URIs where they lie in another bucket.
    size : int
        Bytes of these objects.
    """

    def __init__(self, table: pa.Table, files: list[str], size: int) -> None:
        self.table, self.files, self.size = table, files, size


def of_query(s3: Any, bucket: str, prefix: str) -> Gathered:
    """Items from the Parquet files of an UNLOAD: any number of them, or none."""
    objects = [told for told in listed(s3, bucket, f"{prefix}in/") if told["Size"]]
    keys = [told["Key"] for told in objects]
    bodies = (s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys)
    tables = [pq.read_table(io.BytesIO(body)) for body in bodies]
    table = pa.concat_tables(tables, promote_options="default") if tables else pa.table({})
    table = table.replace_schema_metadata(None)  # Athena's version, which is no item's
    return Gathered(ordered(table), keys, sum(told["Size"] for told in objects))


def of_prefix(s3: Any, bucket: str, uri: str) -> Gathered:
    """One item for each object under an ``s3://`` prefix, but markers of folders."""
    source, _, under = uri.replace("{lake}", bucket).removeprefix("s3://").partition("/")
    found = [o for o in listed(s3, source, under) if not o["Key"].endswith("/")]
    columns = [
        pa.array([f"s3://{source}/{o['Key']}" for o in found], pa.string()),
        pa.array([o["Size"] for o in found], pa.int64()),
        pa.array([o["ETag"].strip('"') for o in found], pa.string()),
    ]
    return of_objects(bucket, ordered(pa.Table.from_arrays(columns, schema=_OBJECTS)))


def of_objects(bucket: str, table: pa.Table) -> Gathered:
    """Items that are objects themselves."""
    files = [uri.removeprefix(f"s3://{bucket}/") for uri in table["uri"].to_pylist()]
    return Gathered(table, files, sum(table["bytes"].to_pylist()))


def ordered(table: pa.Table) -> pa.Table:
    """Sort by all columns; what can't be compared, as a list, goes by its JSON."""
    keys = {}
    for number, column in enumerate(table.columns):
        if pa.types.is_null(column.type):
            continue
        nested = pa.types.is_nested(column.type) or pa.types.is_dictionary(column.type)
        texts = pa.array([as_json(v).decode() for v in column.to_pylist()]) if nested else column
        keys[str(number)] = texts
    if not keys or not table.num_rows:
        return table.combine_chunks()
    places = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
    return table.take(places).combine_chunks()


def group_rows(table: pa.Table) -> int:
    """Rows of a row group; it follows from the items alone."""
    each: int = max(1, table.nbytes // max(1, table.num_rows))
    return max(1, min(_GROUP_ROWS, _GROUP_BYTES // each))


def packed(table: pa.Table) -> bytes:
    """The items as a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=group_rows(table))
    body: bytes = sink.getvalue().to_pybytes()
    return body


def largest(table: pa.Table, beyond: int) -> tuple[int, int]:
    """Number and bytes as JSON of the first item of more than `beyond` bytes; else (-1, 0).

    JSON is at most some 8 times as long as what it says, so smaller parts are not looked at.
    """
    spans = [(0, table.num_rows)]
    while spans:
        low, high = spans.pop()
        if low == high or table.slice(low, high - low).nbytes * 8 <= beyond:
            continue
        if high - low == 1:
            size = len(as_json(table.slice(low, 1).to_pylist()[0]))
            if size > beyond:
                return low, size
        else:
            middle = (low + high) // 2
            spans += [(middle, high), (low, middle)]
    return -1, 0


def as_json(value: Any) -> bytes:
    """An item as JSON; bytes as base64, what JSON has no word for as text."""
    return json.dumps(value, default=_plain, ensure_ascii=False).encode(errors="replace")


def _plain(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


class ItemsFile:
    """``items.parquet``, of which only the row groups that are asked for are read."""

    def __init__(self, s3: Any, bucket: str, key: str) -> None:
        size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
        if size <= _WHOLE_BYTES:
            file: Any = io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        else:
            file = _Ranges(s3, bucket, key, size)
        self._file = pq.ParquetFile(file)
        told = self._file.metadata
        self._groups = [told.row_group(n).num_rows for n in range(told.num_row_groups)]

    def rows(self, first: int, last: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """The items `first` to `last`, both included, with their numbers."""
        for group, start in self._span(first, last):
            table = self._file.read_row_group(group)
            low = max(first - start, 0)
            part = table.slice(low, min(last - start, table.num_rows - 1) - low + 1)
            yield from enumerate(part.to_pylist(), start + low)

    def _span(self, first: int, last: int) -> Sequence[tuple[int, int]]:
        spans, start = [], 0
        for group, rows in enumerate(self._groups):
            if start <= last and start + rows > first:
                spans.append((group, start))
            start += rows
        return spans


class _Ranges(io.RawIOBase):
    """An object that is read in ranges."""

    def __init__(self, s3: Any, bucket: str, key: str, size: int) -> None:
        super().__init__()
        self._s3, self._bucket, self._key, self._size = s3, bucket, key, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        told = f"bytes={self._at}-{self._at + wanted - 1}"
        body = self._s3.get_object(Bucket=self._bucket, Key=self._key, Range=told)["Body"].read()
        buffer[: len(body)] = body
        self._at += len(body)
        return len(body)
