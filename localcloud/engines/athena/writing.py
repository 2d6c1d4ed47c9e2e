"""UNLOAD and CREATE TABLE AS: a query's rows as files in S3.

https://docs.aws.amazon.com/athena/latest/ug/unload.html
https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html
"""

# ruff: noqa: S608 (this writes SQL: names and strings pass `types.quote` and `types.text`)
from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.types import Type

_PARQUET = {
    "gzip": "gzip",
    "snappy": "snappy",
    "zstd": "zstd",
    "none": "uncompressed",
    "uncompressed": "uncompressed",
}
_JSON = {"gzip": ("gzip", ".gz"), "none": ("none", ""), "zstd": ("zstd", ".zst")}


@dataclass(frozen=True)
class Shape:
    """How rows are written.

    Parameters
    ----------
    format : {"parquet", "json"}
    compression : str
        As Athena names it, in lower case; gzip where nothing is said.
    partitions : tuple of str
        Columns that become folders, the last ones of the query.
    """

    format: str
    compression: str = "gzip"
    partitions: tuple[str, ...] = ()

    def check(self, fields: Fields) -> None:
        """Refuse what Athena, or the local cloud, can't write.

        Raises
        ------
        AthenaError
        """
        known = {"parquet": list(_PARQUET), "json": list(_JSON)}.get(self.format)
        if known is None:
            raise not_supported(f"format {self.format.upper()}")
        if self.compression not in known:
            raise not_supported(f"{self.compression.upper()} compression of {self.format.upper()}")
        names = [n for n, _ in fields]
        if len(set(names)) < len(names):
            raise AthenaError("DUPLICATE_COLUMN_NAME", "Column name specified more than once")
        if self.partitions and tuple(names[-len(self.partitions) :]) != self.partitions:
            raise AthenaError(
                "SYNTAX_ERROR",
                "Partition keys must be the last columns in the table and in the same order",
            )
        for name, kind in fields:
            _check(name, kind, self.format)


def _check(name: str, kind: Type, form: str) -> None:
    if kind.name in (
        "timestamp with time zone",
        "interval day to second",
        "interval year to month",
        "json",
        "unknown",
    ):
        raise AthenaError(
            "NOT_SUPPORTED", f"Unsupported Hive type: {kind} (column {name}); cast it"
        )
    if form == "json" and kind.name in ("map", "varbinary"):
        raise not_supported(f"column {name} of type {kind} in a JSON file")
    for inner in (
        kind.of
        if kind.name in ("array", "map")
        else [x for _, x in kind.of]
        if kind.name == "row"
        else ()
    ):
        _check(name, inner, form)


def copy(sql: str, fields: Fields, shape: Shape, folder: Path) -> str:
    """DuckDB's COPY of a query into a folder."""
    columns = ", ".join(
        _column(f"c{i}", name, kind, shape) for i, (name, kind) in enumerate(fields)
    )
    inner = ", ".join(f"c{i}" for i in range(len(fields)))
    options = (
        "FORMAT parquet, COMPRESSION " + _PARQUET[shape.compression]
        if shape.format == "parquet"
        else ("FORMAT json, ARRAY false, COMPRESSION " + _JSON[shape.compression][0])
    )
    if shape.partitions:
        options += f", PARTITION_BY ({', '.join(map(t.quote, shape.partitions))})"
    target = folder if shape.partitions else folder / "data"
    return (
        f"COPY (SELECT {columns} FROM ({sql}) AS q({inner})) TO {t.text(str(target))} ({options})"
    )


def _column(given: str, name: str, kind: Type, shape: Shape) -> str:
    sql = f"CAST({given} AS {kind.duckdb()})"
    if shape.format == "json" and kind.name == "timestamp":
        sql = f"strftime({given}, '%Y-%m-%d %H:%M:%S.%g')"
    return f"{sql} AS {t.quote(name)}"


def written(folder: Path, shape: Shape, prefix: str) -> list[tuple[Path, str]]:
    """The files that a COPY wrote, each with its key; none where there were no rows."""
    suffix = _JSON[shape.compression][1] if shape.format == "json" else ""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        inside = path.relative_to(folder).parent
        between = "" if str(inside) == "." else f"{inside.as_posix()}/"
        found.append((path, f"{prefix}{between}{uuid.uuid4()}{suffix}"))
    return found


def fresh(folder: Path) -> Path:
    """An empty folder for a COPY."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
