"""Reads and writes tables by URI, ``s3://`` or ``file://``, for programs of any image.

Arrow's own file systems follow ``AWS_ENDPOINT_URL`` and the container's credentials.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs


class RowsError(ValueError):
    """What is below a URI is not what the program reads."""


def files(uri: str) -> tuple[fs.FileSystem, list[str]]:
    """List the files below a prefix that aren't empty, by name; hidden ones left out.

    Returns
    -------
    file system and list of str
        What opens the paths, and the paths.
    """
    system, path = fs.FileSystem.from_uri(uri.rstrip("/"))
    found = system.get_file_info(fs.FileSelector(path, recursive=True))
    kept = [f.path for f in found if f.is_file and f.size]
    return system, sorted(p for p in kept if not p.rpartition("/")[2].startswith(("_", ".")))


def read(uri: str, *columns: str) -> pa.Table:
    """Read columns of all Parquet files below a prefix, in the order of the files' names.

    That order means nothing where Athena's UNLOAD wrote them: sort what comes.

    Raises
    ------
    RowsError
        Where there is no file, a column is missing, or a value is null or no finite number.
    """
    system, found = files(uri)
    tables = [_read(system, path, columns) for path in found]
    if not tables:
        raise RowsError(f"While reading {uri}, found no file. Give an input that has rows.")
    return pa.concat_tables(tables)


def write(output: str, columns: Mapping[str, Any]) -> None:
    """Write a table's only part."""
    system, path = fs.FileSystem.from_uri(output.rstrip("/"))
    if isinstance(system, fs.LocalFileSystem):
        system.create_dir(path)
    pq.write_table(pa.table(dict(columns)), f"{path}/part-00000.parquet", filesystem=system)


def write_facts(output: str, name: str, facts: Mapping[str, int | float | str]) -> None:
    """Write ``facts/NAME.json`` beside the output."""
    system, path = fs.FileSystem.from_uri(output.rstrip("/"))
    folder = f"{path.rpartition('/')[0]}/facts"
    if isinstance(system, fs.LocalFileSystem):
        system.create_dir(folder)
    with system.open_output_stream(f"{folder}/{name}.json") as stream:
        stream.write(json.dumps(dict(facts)).encode())


def _read(system: fs.FileSystem, path: str, columns: tuple[str, ...]) -> pa.Table:
    # As one file: names of folders are no columns.
    with system.open_input_file(path) as source:
        file = pq.ParquetFile(source)
        missing = [c for c in columns if c not in file.schema_arrow.names]
        if missing:
            raise RowsError(
                f"While reading {path}, found no column {', '.join(missing)}: it has "
                f"{', '.join(file.schema_arrow.names)}. Name them so in the stage's SQL."
            )
        table = file.read(columns=list(columns) or None)
    for name, column in zip(table.column_names, table.columns, strict=True):
        _check(column, f"While reading {path}, found", name)
    return table


def _check(column: pa.ChunkedArray, found: str, name: str) -> None:
    bad = pc.is_null(column)
    if pa.types.is_floating(column.type):
        bad = pc.or_(bad, pc.invert(pc.fill_null(pc.is_finite(column), False)))
    row = pc.index(bad, True).as_py()
    if row >= 0:
        value = column[row].as_py()
        raise RowsError(
            f"{found} {'null' if value is None else value} at row {row}, column {name}, rows "
            "counted from 0. Every row must have a finite value. Leave it out in the SQL."
        )
