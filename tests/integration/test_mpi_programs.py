"""The programs of tasks/mpi: the same rows from any number of ranks, and clear refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.conftest import ROOT
from tests.integration.mpi_jobs import environment, under_mpiexec, write

LIVES, WEEKS = 4, 40


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where numba keeps what it compiled, so that it does so once."""
    return tmp_path_factory.mktemp("mpi")


@pytest.fixture(scope="module")
def inputs(home: Path) -> dict[str, Path]:
    """Inputs by name; rows lie in no order."""
    rng = np.random.default_rng(5)
    (home / "shocks").mkdir()
    np.save(home / "shocks" / "shocks.npy", rng.normal(size=(WEEKS, LIVES)))
    order = rng.permutation(60)
    words = [[f"{'ab'[n % 2]}{w}" for w in rng.integers(0, 9, 4)] + ["the"] for n in range(60)]
    labels = ["ab"[n % 2] if n < 50 else None for n in range(60)]
    return {
        "shocks": home / "shocks",
        "lives": write(home / "lives", life=[*range(LIVES - 1, -1, -1)]),
        "walks": write(home / "walks", walk=rng.permutation(4)),
        "texts": write(
            home / "texts",
            id=order,
            text=[" ".join(words[n]) for n in order],
            label=[labels[n] for n in order],
        ),
    }


CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("random_walks", "walks", {"steps": 9}),
    ("health_index", "shocks", {}),
    ("health_index", "lives", {"weeks": WEEKS, "sigma": 2.0}),
    ("persistence_grid", "shocks", {"rhos": 4}),
    ("persistence_grid", "lives", {"rhos": 4, "weeks": WEEKS, "start": 3}),
    ("grid_search", "texts", {"features": [64, 32], "folds": 2}),
    ("grid_search", "texts", {"features": [64], "folds": 2, "rows": "predictions"}),
]


#: Runs all cases in the same ranks: starting them takes most of the time.
DRIVER = """
import importlib, json, sys
from mpi4py import MPI
from tasks.mpi.program import Program, run
for place, (name, source, params) in enumerate(json.loads(sys.argv[1])):
    work = getattr(importlib.import_module("tasks.mpi." + name), name)
    run(Program(MPI.COMM_WORLD, source, f"{sys.argv[2]}{place}/out/", params, 25), work, name)
"""


@pytest.fixture(scope="module")
def answers(home: Path, inputs: dict[str, Path]) -> dict[int, list[bytes]]:
    """The bits of each case's rows, by the number of ranks: 5 are more than any case's items."""
    (home / "driver.py").write_text(DRIVER)
    cases = json.dumps([(name, inputs[source].as_uri(), params) for name, source, params in CASES])
    found = {}
    for ranks in (1, 2, 3, 5):
        output = f"{home.as_uri()}/{ranks}/"
        words = str(ROOT / "tasks" / "boot" / "rank.py"), str(home / "driver.py"), cases, output
        done = under_mpiexec(ranks, *words, env=environment(home, BOOT_ROOT=str(ROOT)))
        assert done.returncode == 0, done.stderr
        tables = [pq.read_table(home / str(ranks) / str(n) / "out") for n in range(len(CASES))]
        assert all(table.num_rows > 0 for table in tables)
        found[ranks] = [bits(table) for table in tables]
    return found


@pytest.mark.parametrize("place", range(len(CASES)), ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_any_number_of_ranks_gives_the_same_bits(
    answers: dict[int, list[bytes]], place: int
) -> None:
    assert len({told[place] for told in answers.values()}) == 1


def bits(table: pa.Table) -> bytes:
    """A table with its types, whole: equality of floats would let -0.0 be 0.0."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.remove_metadata()) as stream:
        stream.write_table(table.combine_chunks())
    return bytes(sink.getvalue().to_pybytes())


def test_progress_is_told(home: Path, inputs: dict[str, Path], tmp_path: Path) -> None:
    done = started(tmp_path, "grid_search", inputs["texts"], 3, {"features": [8, 16, 32]})
    assert done.stdout.splitlines() == [f"progress {n}/6" for n in range(1, 7)]


def started(folder: Path, program: str, source: Path, ranks: int, params: dict[str, Any]) -> Any:
    return under_mpiexec(
        ranks,
        str(ROOT / "tasks" / "boot" / "rank.py"),
        f"tasks/mpi/{program}.py",
        *("--input", source.as_uri() + "/", "--output", f"{folder.as_uri()}/try/out/"),
        *("--params", json.dumps(params)),
        env=environment(folder, BOOT_ROOT=str(ROOT)),
    )


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_shock_that_is_no_number_is_named(tmp_path: Path, value: float) -> None:
    shocks = np.zeros((WEEKS, LIVES))
    shocks[7, 3] = value
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "shocks.npy", shocks)
    done = started(tmp_path, "health_index", tmp_path / "in", 3, {})
    assert done.returncode == 1
    assert f"found {value} at row 7 (week), column 3 (life)" in done.stderr
    assert not (tmp_path / "try").exists()
