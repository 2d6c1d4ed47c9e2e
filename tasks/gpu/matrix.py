"""Reads the matrix of the one ``.npy`` file below a prefix; maps it where it is on this machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyarrow import fs

from tasks import rows

Matrix = np.ndarray[Any, Any]
ROWS = 1024  # at a time, when numbers are looked at: a mapped file isn't read as a whole


class MatrixError(ValueError):
    """What is there is no matrix of finite numbers."""


def read(uri: str) -> Matrix:
    """Give the matrix.

    Raises
    ------
    MatrixError
        Where there isn't one file, it is no matrix of floats, or a number isn't finite, by its row
        and column.
    """
    system, paths = rows.files(uri)
    found = [path for path in paths if path.endswith(".npy")]
    if len(found) != 1:
        raise MatrixError(f"While reading {uri}, found {len(found)} .npy files. Leave one there.")
    given = _load(system, found[0])
    if given.ndim != 2 or given.dtype.kind != "f" or 0 in given.shape:
        raise MatrixError(
            f"While reading {found[0]}, found {given.dtype} of shape {given.shape}. "
            "A matrix of floats is wanted. Write one by numpy.save."
        )
    _check(given, found[0])
    return given


def _check(given: Matrix, name: str) -> None:
    for first in range(0, len(given), ROWS):
        part = given[first : first + ROWS]
        if not np.isfinite(part).all():
            i, j = np.argwhere(~np.isfinite(part))[0]
            raise MatrixError(
                f"While reading {name}, found {part[i, j]} at row {first + i}, column {j}, counted "
                "from 0. Every value must be a finite number. Correct it there."
            )


def _load(system: fs.FileSystem, path: str) -> Matrix:
    if isinstance(system, fs.LocalFileSystem):
        mapped: Matrix = np.load(path, mmap_mode="r", allow_pickle=False)
        return mapped
    with system.open_input_file(path) as source:
        version = np.lib.format.read_magic(source)
        header = {(1, 0): np.lib.format.read_array_header_1_0}.get(
            version, np.lib.format.read_array_header_2_0
        )
        shape, by_column, dtype = header(source)
        flat = np.frombuffer(source.read_buffer(), dtype=dtype)
    return flat.reshape(shape, order="F" if by_column else "C")
