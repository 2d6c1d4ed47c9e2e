"""What a Spark program wrote, as rows: columns by name, and casts that lose nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.lake import Column, arrow_schema

_FITS: dict[str, Callable[[pa.DataType], bool]] = {
    "boolean": pa.types.is_boolean,
    "long": pa.types.is_integer,
    "double": lambda t: pa.types.is_integer(t) or pa.types.is_floating(t),
    "string": lambda t: pa.types.is_string(t) or pa.types.is_large_string(t),
    "binary": lambda t: pa.types.is_binary(t) or pa.types.is_large_binary(t),
    "date": pa.types.is_date32,
    "timestamptz": lambda t: pa.types.is_timestamp(t) and t.tz is not None,
}


class ColumnsError(ValueError):
    """A file hasn't the columns of the table."""


class Fitter:
    """Holds a file's batches to the columns of a table.

    Parameters
    ----------
    columns : sequence of (name, Iceberg type, required)
        The table's.
    file : ParquetFile
        Opened with ``coerce_int96_timestamp_unit="us"``.

    Raises
    ------
    ColumnsError
        For a missing or an unknown column, or a type that isn't the table's.
    """

    def __init__(self, columns: Sequence[Column], file: pq.ParquetFile) -> None:
        self._columns = columns
        self.schema = pa.schema([f.with_nullable(True) for f in arrow_schema(columns)])
        wanted = f"The table wants {', '.join(f'{n} {kind}' for n, kind, _ in columns)}."
        found = file.schema_arrow
        names = [name for name, *_ in columns]
        if missing := [n for n in names if n not in found.names]:
            raise ColumnsError(f"no column {', '.join(missing)}. {wanted}")
        if extra := [n for n in found.names if n not in names]:
            raise ColumnsError(f"a column {', '.join(extra)} that nobody wants. {wanted}")
        # Spark's INT96 is an instant in UTC, though no zone stands in the file:
        # https://spark.apache.org/docs/latest/sql-data-sources-parquet.html
        self._int96 = {
            file.schema.column(i).name
            for i in range(len(file.schema))
            if file.schema.column(i).physical_type == "INT96"
        }
        for name, kind, _ in columns:
            given = found.field(name).type
            instant = kind == "timestamptz" and name in self._int96
            if not (instant or _FITS[kind](given)):
                raise ColumnsError(f"column {name} of type {given}. {wanted}")

    def fit(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, list[tuple[int, bytes, str]]]:
        """Cast a batch.

        Returns
        -------
        RecordBatch
            Its good rows.
        list of (int, bytes, str)
            Of the others their place, the row as JSON, and why.

        Raises
        ------
        ColumnsError
            For a value that a cast would change.
        """
        arrays = []
        for name, _, _ in self._columns:
            column, kind = batch.column(name), self.schema.field(name).type
            if name in self._int96 and column.type.tz is None:
                column = column.cast(pa.timestamp(column.type.unit, tz="UTC"))
            try:
                arrays.append(column.cast(kind, safe=True))
            except pa.ArrowInvalid as error:
                found = f"in column {name} a value that no {kind} holds: {error}"
                raise ColumnsError(found) from error
        fitted = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        must = [name for name, _, required in self._columns if required]
        good = pa.array([True] * fitted.num_rows)
        for name in must:
            if fitted.column(name).null_count:
                good = pc.and_(good, fitted.column(name).is_valid())
        if good.true_count == fitted.num_rows:
            return fitted, []
        return fitted.filter(good), list(_lacking(fitted, good, must))


def _lacking(
    batch: pa.RecordBatch, good: pa.Array, must: Sequence[str]
) -> Iterator[tuple[int, bytes, str]]:
    places = pc.indices_nonzero(pc.invert(good)).to_pylist()
    for place, row in zip(places, batch.take(pa.array(places)).to_pylist(), strict=True):
        names = ", ".join(f"`{name}`" for name in must if row[name] is None)
        yield place, json.dumps(row, default=str).encode(), f"gives no value for {names}"
