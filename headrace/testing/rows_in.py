"""Rows as a program finds them: lines of JSON as Athena unloads them, Parquet, or files."""

from __future__ import annotations

import bz2
import datetime
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from headrace.testing.made import StageFailedError

#: What Hadoop unpacks by a file's name.
PACKED = {".gz": gzip.decompress, ".bz2": bz2.decompress}
Given = Iterable[Mapping[str, Any] | str] | Path


def splits(given: Given, doing: str) -> Sequence[bytes]:
    """Rows as lines in two splits, so that two mappers see them; files as a split each."""
    if isinstance(given, Path):
        found = [_unpacked(path) for path in files(given)]
    else:
        lines = [_line(row) for row in given]
        half = (len(lines) + 1) // 2
        found = [b"".join(part) for part in (lines[:half], lines[half:])]
    return _some([split for split in found if split], doing)


def uris(given: Given, doing: str) -> Sequence[bytes]:
    """Files' URIs as lines, a split each: what a job that reads whole files is given."""
    if isinstance(given, Path):
        found = [path.as_uri() for path in files(given)]
    else:
        found = [row if isinstance(row, str) else str(row["uri"]) for row in given]
    return _some([f"{uri}\n".encode() for uri in found], doing)


def folder(given: Given, to: Path, doing: str) -> Path:
    """The folder of a program's input: the given one, or `to` with the file or the rows in it.

    Raises
    ------
    StageFailedError
        Where there is nothing to read, or a row is a text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(given, Path):
        if not files(given):
            raise _nothing(doing)
        if given.is_dir():
            return given
        to.mkdir()
        (to / given.name).symlink_to(given)
        return to
    rows = list(given)
    if not rows:
        raise _nothing(doing)
    mappings = [dict(row) for row in rows if not isinstance(row, str)]
    if len(mappings) < len(rows):
        raise StageFailedError(doing, "a text as a row", "Give it mappings, or a folder of files.")
    to.mkdir()
    pq.write_table(pa.Table.from_pylist(mappings), to / "part-0.parquet")
    return to


def files(given: Path) -> list[Path]:
    """The files that Hadoop reads of a folder, at any depth, or the one that is given."""
    if given.is_file():
        return [given]
    found = [path for path in sorted(given.rglob("*")) if path.is_file()]
    return [path for path in found if not _hidden(path.relative_to(given))]


def _hidden(path: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in path.parts)


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    return PACKED[path.suffix](data) if path.suffix in PACKED else data


def _line(row: Mapping[str, Any] | str) -> bytes:
    if isinstance(row, str):
        return f"{row}\n".encode()
    text = json.dumps(dict(row), default=_text, ensure_ascii=False, separators=(",", ":"))
    return f"{text}\n".encode()


def _text(value: Any) -> str:
    """Days and times as Athena unloads them; anything else isn't in its JSON."""
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__}, which no line of JSON holds")


def _some(found: Sequence[bytes], doing: str) -> Sequence[bytes]:
    if not found:
        raise _nothing(doing)
    return found


def _nothing(doing: str) -> StageFailedError:
    return StageFailedError(doing, "nothing to read", "Give it rows: a run refuses this as well.")
