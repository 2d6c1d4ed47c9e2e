"""The Dask examples run by the image's Python, and say what their docstrings say."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.dask_programs import PROJECT, environment, left, python

EXAMPLES = PROJECT / "examples" / "dask"
#: One process for all: Dask's import takes longer than any of them.
ASKED = """
import json, sys
import numpy as np
from examples.dask import arrays, dataframes, delayed_calls, learning

expected, graph, found = arrays.same_as_numpy()
blocks, total, many, columns = arrays.sums()
files = sys.argv[1:]
one, chunked = learning.coefficients()
print(json.dumps({
    "numpy": bool((found == expected).all()), "graph": type(graph).__module__,
    "sums": [list(blocks), float(total), list(many), columns.tolist()],
    "means": dataframes.means(files).to_dict(),
    "pandas": dataframes.means_by_pandas(files).to_dict(),
    "coefficients": [one.tolist(), chunked.tolist()],
    "lazily": delayed_calls.lazily([1, 2], [1, 3]),
    "at_once": delayed_calls.at_once([1, 2], [1, 3]),
    "decorated": delayed_calls.decorated(),
}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("examples")
    files = [folder / f"{at}.csv" for at in range(2)]
    files[0].write_text("x,y\na,1\nb,2\n")
    files[1].write_text("x,y\na,4\nb,2\n")
    words = [str(python()), "-c", ASKED, *map(str, files)]
    done = subprocess.run(
        words, env=environment(folder, None), text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not left(folder)
    return json.loads(done.stdout)


def test_arrays_are_computed_when_asked_and_are_numpys(told: Any) -> None:
    assert told["numpy"]
    assert told["graph"].startswith("dask.array")
    assert told["sums"] == [[3], 15.0, [3, 3], [15.0] * 15]


def test_a_group_by_over_files_is_that_of_pandas(told: Any) -> None:
    assert told["means"] == told["pandas"] == {"a": 2.5, "b": 2.0}


def test_both_libraries_fit_the_same_coefficients(told: Any) -> None:
    one, chunked = told["coefficients"]
    assert chunked == pytest.approx(one, abs=0.02)
    assert one[0] == pytest.approx(2, abs=0.3)


def test_a_delayed_call_waits_and_the_printed_one_did_not(told: Any) -> None:
    assert told["lazily"] == [0, 4, [1, 4, 2, 5]]
    assert told["at_once"] == 4
    assert told["decorated"] == [[2, 3, 4, 5], 14]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("[a-z]*.py")), ids=lambda p: p.stem)
def test_each_is_a_program(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("x,y,passenger_count\na,1,2\n")
    done = subprocess.run(
        [str(python()), str(path), str(file)],
        env=environment(tmp_path, None), text=True, capture_output=True, check=False,
    )  # fmt: skip
    if path.stem == "on_gpus" and done.returncode:
        assert done.stderr.startswith("headrace: While starting, found no ")
        return
    assert done.returncode == 0, done.stderr
    assert done.stdout
