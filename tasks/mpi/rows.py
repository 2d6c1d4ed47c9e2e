"""Reads and writes tables and matrices by URI, ``s3://`` or ``file://``; for rank 0.

Arrow's own file systems follow ``AWS_ENDPOINT_URL`` and the container's credentials.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import fs

from tasks.mpi.program import Columns, ProgramError


def read(uri: str, *columns: str) -> pa.Table:
    """Read columns of all Parquet files below a prefix, in the order of the files' names.

    That order means nothing where Athena's UNLOAD wrote them: sort what comes.

    Raises
    ------
    ProgramError
        Where there is no file, or a column is missing.
    """
    system, files = _files(uri)
    tables = [_read(system, path, columns) for path in files]
    if not tables:
        raise ProgramError(f"While reading {uri}, found no file. Give an input that has rows.")
    return pa.concat_tables(tables)


def integers(uri: str, name: str) -> NDArray[np.int64]:
    """Read one column of whole numbers.

    Raises
    ------
    ProgramError
        Where it has others, or none at a row.
    """
    column = read(uri, name)[name]
    found = str(column.type)
    if pa.types.is_integer(column.type) and column.null_count:
        found = f"null at row {column.is_null().to_pylist().index(True)}, rows counted from 0"
    elif pa.types.is_integer(column.type):
        return np.asarray(column.to_numpy(), dtype=np.int64)
    raise ProgramError(
        f"While reading {uri}, found {found}, in column {name}. Every row must have a whole "
        "number. Correct the stage's SQL."
    )


def matrix(uri: str) -> np.ndarray[Any, Any] | None:
    """Give the matrix of the one ``.npy`` file below a prefix; None where there is none.

    A file of this machine is mapped, not read: what nobody touches costs nothing.

    Raises
    ------
    ProgramError
        Where there are many, or it is no matrix of floats.
    """
    system, files = _files(uri)
    found = [path for path in files if path.endswith(".npy")]
    if len(found) > 1:
        raise ProgramError(f"While reading {uri}, found {len(found)} .npy files. Leave one there.")
    if not found:
        return None
    given = _load(system, found[0])
    if given.ndim != 2 or given.dtype.kind != "f" or 0 in given.shape:
        raise ProgramError(
            f"While reading {found[0]}, found {given.dtype} of shape {given.shape}. "
            "A matrix of floats is wanted. Write one by numpy.save."
        )
    return given


def check_finite(values: np.ndarray[Any, Any], name: str, row: str, column: str) -> None:
    """Refuse what is no finite number, by its row and column.

    Raises
    ------
    ProgramError
        Naming the first one, as in ``row 7 (week), column 3 (life)``.
    """
    if not np.isfinite(values).all():
        i, j = np.argwhere(~np.isfinite(values))[0]
        raise ProgramError(
            f"While reading {name}, found {values[i, j]} at row {i} ({row}), column {j} "
            f"({column}), counted from 0. Every value must be a finite number. Correct it there."
        )


def write(output: str, columns: Columns) -> None:
    """Write a table's only part."""
    system, path = fs.FileSystem.from_uri(output.rstrip("/"))
    if isinstance(system, fs.LocalFileSystem):
        system.create_dir(path)
    pq.write_table(pa.table(dict(columns)), f"{path}/part-00000.parquet", filesystem=system)


def write_facts(output: str, name: str, facts: dict[str, Any]) -> None:
    """Write ``facts/NAME.json`` beside the output."""
    system, path = fs.FileSystem.from_uri(output.rstrip("/"))
    folder = f"{path.rpartition('/')[0]}/facts"
    if isinstance(system, fs.LocalFileSystem):
        system.create_dir(folder)
    with system.open_output_stream(f"{folder}/{name}.json") as stream:
        stream.write(json.dumps(facts).encode())


def _files(uri: str) -> tuple[fs.FileSystem, list[str]]:
    system, path = fs.FileSystem.from_uri(uri.rstrip("/"))
    found = system.get_file_info(fs.FileSelector(path, recursive=True))
    kept = [
        f.path for f in found if f.is_file and f.size and not f.base_name.startswith(("_", "."))
    ]
    return system, sorted(kept)


def _read(system: fs.FileSystem, path: str, columns: tuple[str, ...]) -> pa.Table:
    # As one file: names of folders are no columns.
    with system.open_input_file(path) as source:
        file = pq.ParquetFile(source)
        missing = [c for c in columns if c not in file.schema_arrow.names]
        if missing:
            raise ProgramError(
                f"While reading {path}, found no column {', '.join(missing)}: it has "
                f"{', '.join(file.schema_arrow.names)}. Name them so in the stage's SQL."
            )
        return file.read(columns=list(columns) or None)


def _load(system: fs.FileSystem, path: str) -> np.ndarray[Any, Any]:
    if isinstance(system, fs.LocalFileSystem):
        mapped: np.ndarray[Any, Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return mapped
    with system.open_input_file(path) as source:
        version = np.lib.format.read_magic(source)
        header = {(1, 0): np.lib.format.read_array_header_1_0}.get(
            version, np.lib.format.read_array_header_2_0
        )
        shape, by_column, dtype = header(source)
        flat = np.frombuffer(source.read_buffer(), dtype=dtype)
    return flat.reshape(shape, order="F" if by_column else "C")
