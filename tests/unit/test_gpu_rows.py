"""What programs of any image read and write by URI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks import rows
from tasks.gpu import matrix


def test_files_are_listed_by_name_without_hidden_and_empty_ones(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z", "b/a", "_SUCCESS", ".crc"):
        (tmp_path / name).write_text("x")
    (tmp_path / "empty").touch()
    _, found = rows.files(tmp_path.as_uri())
    assert found == [str(tmp_path / "b" / "a"), str(tmp_path / "z")]


def test_rows_are_read_from_all_parts_and_written(tmp_path: Path) -> None:
    for name, numbers in (("b", [3]), ("a", [1, 2])):
        pq.write_table(pa.table({"n": numbers, "m": numbers}), tmp_path / name)
    assert rows.read(tmp_path.as_uri(), "n").to_pydict() == {"n": [1, 2, 3]}
    rows.write((tmp_path / "out").as_uri() + "/", {"n": [1.5]})
    assert pq.read_table(tmp_path / "out" / "part-00000.parquet").to_pydict() == {"n": [1.5]}
    rows.write_facts((tmp_path / "out").as_uri() + "/", "it", {"flop": 3})
    assert json.loads((tmp_path / "facts" / "it.json").read_text()) == {"flop": 3}


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"m": [1]}, "found no column n: it has m"),
        ({"n": [1, None]}, "found null at row 1, column n"),
        ({"n": [1.0, 2.0, float("inf")]}, "found inf at row 2, column n"),
        ({"n": [float("nan"), None]}, "found nan at row 0, column n"),
        ({"n": ["a", None]}, "found null at row 1, column n"),
    ],
)
def test_what_is_no_row_is_told(tmp_path: Path, columns: dict[str, Any], found: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a")
    with pytest.raises(rows.RowsError, match=found):
        rows.read(tmp_path.as_uri(), "n")


def test_nothing_to_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(rows.RowsError, match="found no file"):
        rows.read(tmp_path.as_uri(), "n")


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_matrix_is_mapped(tmp_path: Path, order: Any) -> None:
    given = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "a.npy", np.asarray(given, order=order))
    told = matrix.read(tmp_path.as_uri())
    assert isinstance(told, np.memmap)
    assert np.array_equal(told, given)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (np.arange(3.0), "found float64 of shape"),
        (np.ones((2, 2), dtype=int), "found int64 of shape"),
        (np.array([[1.0, np.inf]]), "found inf at row 0, column 1"),
        (np.r_[np.ones((1500, 2)), [[1, np.nan]]], "found nan at row 1500, column 1"),
    ],
)
def test_what_is_no_matrix_is_told(tmp_path: Path, given: Any, found: str) -> None:
    np.save(tmp_path / "a.npy", given)
    with pytest.raises(matrix.MatrixError, match=found):
        matrix.read(tmp_path.as_uri())


def test_one_matrix_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(matrix.MatrixError, match="found 0 .npy files"):
        matrix.read(tmp_path.as_uri())
