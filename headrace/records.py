"""Reads what is to be pushed: JSON lines, CSV, Parquet, or a study's own function.

Nothing is dropped or mended here. A JSON line goes as it is, even if it is none; a CSV cell
that isn't of its column's type goes as text; the function that lands records says what is wrong.
"""

from __future__ import annotations

import csv
import importlib
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq

from headrace.errors import HeadraceError
from headrace.plan import Plan, TablePlan

Record = dict[str, Any] | bytes

#: What a file is, by the end of its name.
FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}


class RecordsError(HeadraceError):
    """Records can't be read."""


def table_of(plan: Plan, name: str | None) -> TablePlan:
    """The table that records are meant for: the study's first where none is named."""
    found = {table.name: table for table in plan.tables}
    if name is None:
        return plan.tables[0]
    if name not in found:
        raise RecordsError(
            f"looking for table {name!r} in study {plan.study.name}",
            f"only {', '.join(found)}",
            "Name one of these.",
        )
    return found[name]


def of_study(plan: Plan) -> Iterator[Record]:
    """The records that the study itself brings.

    Raises
    ------
    RecordsError
        Where it brings none.
    """
    if plan.study.records is None:
        raise RecordsError(
            f"looking for the records of study {plan.study.name}",
            "that its study.py names none",
            "Name a file, or - for standard input.",
        )
    module, function = plan.study.records.split(":")
    records: Iterator[Record] = getattr(importlib.import_module(module), function)()
    return records


def of_file(path: Path, table: TablePlan, kind: str | None = None) -> Iterator[Record]:
    """The records of a file.

    Parameters
    ----------
    path : Path
    table : TablePlan
        Whose schema types a CSV's columns.
    kind : {"jsonl", "csv", "parquet"}, optional
        By the file's suffix where not given.

    Raises
    ------
    RecordsError
        Where the file is not there, or its suffix is unknown.
    """
    kind = kind or FORMATS.get(path.suffix.lower())
    if not path.is_file():
        raise RecordsError(f"reading {path}", "no such file", "Check the path.")
    if kind is None:
        raise RecordsError(
            f"reading {path}",
            f"the suffix {path.suffix!r}",
            f"Use one of {', '.join(FORMATS)}, or say --format.",
        )
    return {"jsonl": _json_lines, "csv": _csv, "parquet": _parquet}[kind](path, table)


def of_lines(stream: IO[bytes]) -> Iterator[Record]:
    """The lines of a binary stream, each as it is but for its end."""
    for line in stream:
        yield line.rstrip(b"\r\n")


def _json_lines(path: Path, table: TablePlan) -> Iterator[Record]:
    with path.open("rb") as stream:
        yield from of_lines(stream)


def _parquet(path: Path, table: TablePlan) -> Iterator[Record]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            yield from batch.to_pylist()


def _csv(path: Path, table: TablePlan) -> Iterator[Record]:
    columns = {column.name: column for column in table.record}
    with path.open(newline="", encoding="utf-8-sig") as stream:
        for row in csv.DictReader(stream, restkey="cells without a column", restval=_ABSENT):
            yield {
                name: _cell(text, columns[name].type, columns[name].required)
                if name in columns
                else text
                for name, text in row.items()
                if text is not _ABSENT
            }


_ABSENT: Any = object()  # a row with fewer cells than columns lacks the last ones


def _cell(text: str, kind: str, required: bool) -> Any:
    """A CSV cell as its column's type; as text where it is none of that type."""
    if text == "" and not (required and kind == "string"):
        return None
    try:
        return _READ.get(kind, str)(text)
    except ValueError:
        return text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_READ: dict[str, Callable[[str], Any]] = {
    "long": int,
    "double": _finite,
    "boolean": lambda text: json.loads(text.lower()) if text.lower() in ("true", "false") else text,
}
