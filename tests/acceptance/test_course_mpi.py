"""The course's MPI tasks, by their programs under mpiexec: the same bits at 1, 2, 3 and 4 ranks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats

from tests.integration.mpi_jobs import answer, write

pytestmark = pytest.mark.slow
RANKS = (1, 2, 3, 4)
LIVES, WEEKS = 1000, 4160


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("course")


def shocks(home: Path, seed: int) -> Path:
    folder = home / f"seed-{seed}"
    if not folder.is_dir():
        folder.mkdir()
        np.random.seed(seed)
        np.save(folder / "shocks.npy", scipy.stats.norm.rvs(size=(WEEKS, LIVES)))
    return folder


def same(home: Path, program: str, source: Path, params: dict[str, Any]) -> pa.Table:
    """The answer, which is the same from any number of ranks."""
    first, *others = [answer(home, program, source, ranks, params) for ranks in RANKS]
    for table in others:
        assert table.equals(first)
    return first


def test_random_walks(home: Path) -> None:
    walks = write(home / "walks", walk=range(10_000))
    zero = same(home, "random_walks", walks, {"first": "zero"})
    drawn = same(home, "random_walks", walks, {"first": "drawn"})
    for table, moves, sd in ((zero, 99, 9.950), (drawn, 100, 10.0)):
        last = table["last"].to_numpy()
        assert set(table["moves"].to_pylist()) == {moves}
        assert table["walk"].to_pylist() == [*range(10_000)]
        # Four standard errors of a mean and of a deviation, of 10,000 walks.
        assert last.mean() == pytest.approx(100, abs=4 * sd / 100)
        assert last.std() == pytest.approx(sd, abs=4 * sd / np.sqrt(20_000))
        assert len(set(last)) == 10_000  # no two alike


def test_health_index(home: Path) -> None:
    params = {"rho": 0.5, "mu": 3.0, "sigma": 1.0}
    (row,) = same(home, "health_index", shocks(home, 25), params).to_pylist()
    assert (row["lives"], row["weeks"]) == (LIVES, WEEKS)
    told = [round(row[name], 10) for name in ("mean", "sd", "first", "last")]
    assert told == [3.0011321434, 1.1548668808, 3.2282730897, 2.6348468007]


@pytest.mark.parametrize(("start", "mean"), [(0.0, 754.764), (3.0, 754.251)])
def test_persistence_grid(home: Path, start: float, mean: float) -> None:
    table = same(home, "persistence_grid", shocks(home, 0), {"rhos": 200, "start": start})
    assert table.num_rows == 200
    (best,) = table.filter(table["best"]).to_pylist()
    assert (round(best["rho"], 10), best["mean_t"]) == (-0.0334170854, mean)
