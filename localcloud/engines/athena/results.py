r"""A query's result as Athena keeps it in S3, and as GetQueryResults pages it from there.

A SELECT's is CSV with a header, every value in quotes, NULL as nothing at all; a statement's
that changes or shows the catalog is lines of text.
https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from localcloud.engines.athena.java import printer
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.types import Type

_FIELD = re.compile(r'(?:"((?:[^"]|"")*)")?([,\n])')
#: Precision and scale that Athena's API gives for types without their own.
_PRECISION = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19, "real": 17, "double": 17,
              "timestamp": 3, "timestamp with time zone": 3, "varchar": 2147483647,
              "varbinary": 1073741824}  # fmt: skip


def write(path: Path, fields: Fields, rows: Iterator[Sequence[Any]]) -> int:
    """Write a SELECT's result.

    Returns
    -------
    int
        How many rows.
    """
    printers, count = [printer(kind) for _, kind in fields], 0
    with path.open("w", encoding="utf-8", newline="") as f:
        f.write(_line([name for name, _ in fields]))
        for row in rows:
            f.write(
                _line([None if v is None else p(v) for p, v in zip(printers, row, strict=True)])
            )
            count += 1
    return count


def _line(values: Sequence[str | None]) -> str:
    return ",".join("" if v is None else '"' + v.replace('"', '""') + '"' for v in values) + "\n"


def page(path: Path, offset: int, count: int) -> tuple[list[list[str | None]], int | None]:
    """Some rows of a result's CSV, the header among them.

    Parameters
    ----------
    path : Path
        The file.
    offset : int
        Characters before the first row.
    count : int
        Rows at most.

    Returns
    -------
    rows : list
    offset : int or None
        Where the next page begins; None at the end.
    """
    rows: list[list[str | None]] = []
    with path.open("rb") as f:
        f.seek(offset)
        buffer, size = "", 1 << 20
        at = 0
        while len(rows) < count:
            row, end = _row(buffer, at)
            if row is None:
                block = f.read(size)
                if not block:
                    return rows, None
                while not _whole(block):
                    block += f.read(1)
                buffer += block.decode()
                continue
            rows.append(row)
            at = end
        more = at < len(buffer) or bool(f.read(1))
    return rows, offset + len(buffer[:at].encode()) if more else None


def _whole(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError as e:
        return e.reason != "unexpected end of data"
    return True


def _row(text: str, at: int) -> tuple[list[str | None] | None, int]:
    row: list[str | None] = []
    while found := _FIELD.match(text, at):
        row.append(None if found[1] is None else found[1].replace('""', '"'))
        at = found.end()
        if found[2] == "\n":
            return row, at
    return None, at


def column_info(fields: Fields) -> list[dict[str, Any]]:
    """ResultSetMetadata's ColumnInfo."""
    return [_info(name, kind) for name, kind in fields]


def _info(name: str, kind: Type) -> dict[str, Any]:
    precision, scale = _PRECISION.get(kind.name, 0), 0
    shown = kind.name
    if kind.name == "decimal":
        precision, scale = kind.of
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": shown,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": kind.name == "varchar",
    }
