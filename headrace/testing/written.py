"""What a job or a program left behind, as rows: by the code that registers it in the lake."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.lake import Column, arrow_schema
from headrace.testing.made import Made, StageFailedError


def lines(columns: Sequence[Column], given: Sequence[bytes]) -> Made:
    """Rows of a job's lines; those that are none have failed."""
    from lambdas.register.json_rows import LineError, Reader

    reader, made = Reader(columns), Made(what="line")
    rows = []
    for number, line in enumerate(given):
        try:
            rows.append(reader.row(line))
        except LineError as error:
            made.failed.append({"item": number, "reason": str(error), "bytes": line})
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    schema = _schema(columns)
    arrays = [pa.array(c, f.type) for c, f in zip(values, schema, strict=True)]
    made.rows += _sorted(pa.Table.from_arrays(arrays, schema=schema))
    return made


def parquet(columns: Sequence[Column], folder: Path, doing: str) -> Made:
    """Rows of a program's Parquet files, with what lies in ``facts/`` beside them.

    Raises
    ------
    StageFailedError
        Where they haven't the columns of the table.
    """
    from lambdas.register.parquet_rows import ColumnsError, Fitter

    made, held, place = Made(what="row"), [], 0
    for path in _files(folder):
        try:
            with pq.ParquetFile(path, coerce_int96_timestamp_unit="us") as file:
                fitter = Fitter(columns, file)
                for batch in file.iter_batches():
                    good, rejected = fitter.fit(batch)
                    held.append(good)
                    made.failed += [
                        {"item": place + at, "reason": why, "bytes": data}
                        for at, data, why in rejected
                    ]
                    place += batch.num_rows
        except (ColumnsError, pa.ArrowInvalid) as error:
            raise StageFailedError(
                doing, f"in {path.name} {error}", "Correct the program or `produces`."
            ) from error
    made.rows += _sorted(pa.Table.from_batches(held, _schema(columns)))
    for path in sorted((folder.parent / "facts").glob("*.json")):
        made.rows.facts |= json.loads(path.read_text())
    return made


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in found if not path.name.startswith(("_", "."))]


def _schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in arrow_schema(columns)])


def _sorted(table: pa.Table) -> list[dict[str, object]]:
    told: list[dict[str, object]] = table.sort_by(
        [(name, "ascending") for name in table.column_names]
    ).to_pylist()
    return told
