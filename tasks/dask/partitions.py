"""A table's rows in partitions that follow from the rows alone.

Athena writes a query's rows into files of its own choosing, in no order. Floats that are added
in another order give other last digits, so rows are dealt anew: to a partition by a hash of their
values, and sorted there.

    file ─ piece ─ split ─┐
    file ─ piece ─ split ─┼─ partition 0: its rows of every piece, sorted
           piece ─ split ─┘  partition 1 …

How many partitions there are follows from the number of rows. So neither files nor workers change
what a partition holds, and what adds partitions up in their order gives the same digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import dask
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from dask import delayed
from pyarrow import fs

from tasks import rows

#: Of one partition: a hundred bytes a row are then 50 MB, of which a worker holds a few.
ROWS = 500_000


class PartitionError(RuntimeError):
    """A partition can't be computed."""


@dataclass(frozen=True)
class Partitions:
    """Rows, to be read by workers.

    Parameters
    ----------
    parts : list of delayed
        Each a DataFrame, its rows sorted.
    meta : DataFrame
        Without rows: names and types of the columns.
    rows : int
        Of all partitions.
    """

    parts: list[Any]
    meta: pd.DataFrame
    rows: int

    def map(self, work: Callable[..., Any], *given: Any) -> list[Any]:
        """Call ``work(partition, *given)`` on each, later; gives what it will give.

        One that raises is named: ``partition 3 of 8``.
        """
        named = delayed(_named, pure=True)
        count = len(self.parts)
        return [named(work, at, count, part, *given) for at, part in enumerate(self.parts)]

    def kept(self, client: Any) -> Partitions:
        """Read them once, for several computations; what doesn't fit in memory is spilled."""
        return replace(self, parts=client.persist(self.parts))

    def frame(self) -> Any:
        """The rows as a dataframe of Dask's; cuDF's where that is the setting."""
        import dask.dataframe as dd

        made = dd.from_delayed(self.parts, meta=self.meta, verify_meta=False)
        backend = dask.config.get("dataframe.backend", "pandas")
        return made if backend == "pandas" else made.to_backend(backend)


def read(uri: str, columns: Sequence[str], by: Sequence[str] | None, most: int) -> Partitions:
    """Read columns of the Parquet files below a prefix.

    Parameters
    ----------
    uri : str
    columns : sequence of str
    by : sequence of str or None
        Columns by which rows belong together: those that are equal in them are in one partition,
        and so, where there is no column, all of them. None: nothing belongs together.
    most : int
        Rows of a partition, about; more where more belong together.

    Raises
    ------
    tasks.rows.RowsError
        Where there is no row, or a column is missing. A value that is null or no finite number is
        found once the workers read.
    """
    columns = list(dict.fromkeys(columns))
    system, found = rows.files(uri)
    pieces: list[Any] = []
    meta, count = None, 0
    for path in found:
        with system.open_input_file(path) as source:
            told = pq.ParquetFile(source)
            meta = _meta(told.schema_arrow, columns, path)
            count += told.metadata.num_rows
            pieces += [(path, groups) for groups in _groups(told.metadata, most)]
    if meta is None or not count:
        raise rows.RowsError(f"While reading {uri}, found no row. Give an input that has rows.")
    parts = 1 if by is not None and not by else math.ceil(count / most)
    split = delayed(_split, pure=True)
    dealt = [
        split(_Piece(uri, path, groups, tuple(columns), tuple(by or columns)), parts)
        for path, groups in pieces
    ]
    join = delayed(_joined, pure=True)
    taken = delayed(_taken, pure=True)
    return Partitions(
        [join([taken(each, at) for each in dealt], columns) for at in range(parts)], meta, count
    )


@dataclass(frozen=True)
class _Piece:
    """Some row groups of a file, and by which columns they are dealt."""

    uri: str
    path: str
    groups: tuple[int, ...]
    columns: tuple[str, ...]
    by: tuple[str, ...]

    def read(self) -> pd.DataFrame:
        system, _ = fs.FileSystem.from_uri(self.uri)
        with system.open_input_file(self.path) as source:
            table = pq.ParquetFile(source).read_row_groups(self.groups, columns=self.columns)
        frame = _pandas(table.select(list(self.columns)))
        for name in self.columns:
            _check(frame[name], self)
        return frame


def _groups(metadata: Any, most: int) -> list[tuple[int, ...]]:
    """Row groups in runs of about so many rows."""
    runs: list[tuple[int, ...]] = []
    size = 0
    for group in range(metadata.num_row_groups):
        count = metadata.row_group(group).num_rows
        if not runs or size + count > most:
            runs, size = [*runs, ()], 0
        runs[-1], size = (*runs[-1], group), size + count
    return runs


def _meta(schema: pa.Schema, columns: Sequence[str], path: str) -> pd.DataFrame:
    if missing := [name for name in columns if name not in schema.names]:
        raise rows.RowsError(
            f"While reading {path}, found no column {', '.join(missing)}: it has "
            f"{', '.join(schema.names)}. Name them so in the stage's SQL."
        )
    return _pandas(schema.empty_table().select(list(columns)))


def _pandas(table: pa.Table) -> pd.DataFrame:
    """Decimals, which Athena makes of numbers with a point, as floats."""
    schema = pa.schema(
        [
            field.with_type(pa.float64()) if pa.types.is_decimal(field.type) else field
            for field in table.schema
        ]
    )
    return table.cast(schema).to_pandas()


def _check(column: pd.Series[Any], piece: _Piece) -> None:
    bad = column.isna().to_numpy()
    if column.dtype.kind == "f":
        bad = bad | ~np.isfinite(column.to_numpy(float, na_value=np.nan))
    if bad.any():
        at = int(bad.argmax())
        value = "null" if pd.isna(column.iloc[at]) else column.iloc[at]
        raise rows.RowsError(
            f"While reading {piece.path}, found {value} at row {at} of its row groups from "
            f"{piece.groups[0]} on, column {column.name}, rows counted from 0. Every row must "
            "have a finite value. Leave it out in the SQL."
        )


def _split(piece: _Piece, parts: int) -> list[pd.DataFrame]:
    frame = piece.read()
    if parts == 1:
        return [frame]
    place = pd.util.hash_pandas_object(frame[list(piece.by)], index=False) % parts
    return [frame[place == at] for at in range(parts)]


def _taken(dealt: list[pd.DataFrame], at: int) -> pd.DataFrame:
    return dealt[at]


def _joined(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    joined = pd.concat(frames, ignore_index=True)
    return joined.sort_values(columns, ignore_index=True)


def _named(work: Callable[..., Any], at: int, count: int, part: Any, *given: Any) -> Any:
    try:
        return work(part, *given)
    except Exception as error:
        raise PartitionError(
            f"While computing partition {at} of {count} ({len(part):,} rows), counted from 0, "
            f"found {type(error).__name__}: {error}. Correct the input or the program."
        ) from error
