"""Measures the MPI programs: the persistence grid against a Numba loop, by ranks, and the start.

    python bench/mpi.py --json
    python bench/mpi.py --only loop --only start

Jobs are started by `boot`, as a container starts them, on shocks of the course's size (1,000
lives, 4,160 weeks, 200 rhos) in plain files. `compute_s` is what a program tells of itself:
without the ranks' start, reading and writing. The Numba loop is run in a process of its own, on
the same array; what it takes to compile counts for neither. What is compared is run in turn, and
the least of its times is taken: what else the machine does can only add.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import printing
from bench.spine import PROJECT, Figure

PACKAGES = ("numpy", "numba", "mpi4py", "mpich", "scipy")
LIVES, WEEKS = 1000, 4160
REPEATS = 5
MANY = 10  # times as many rhos, where starting and reading are to weigh less

LOOP = """
import json, sys, time
import numba, numpy as np

@numba.njit
def grid(shocks, rhos, mu, start):
    means = np.zeros(len(rhos))
    for i in range(len(rhos)):
        rho, total = rhos[i], 0
        for life in range(shocks.shape[0]):
            z, t = start, 0
            while t < shocks.shape[1]:
                z = rho * z + (1 - rho) * mu + shocks[life, t]
                if z <= 0:
                    break
                t += 1
            total += t
        means[i] = total / shocks.shape[0]
    return means

shocks = np.ascontiguousarray(np.load(sys.argv[1]).T)
rhos = np.linspace(-.95, .95, 200)
grid(shocks[:1], rhos[:1], 3.0, 0.0)
started = time.perf_counter()
means = grid(shocks, rhos, 3.0, 0.0)
print(json.dumps({"s": time.perf_counter() - started, "best": means.max()}))
"""
FIRST = """
import time
from mpi4py import MPI
MPI.COMM_WORLD.allreduce(1)
if MPI.COMM_WORLD.rank == 0:
    print("first", time.time(), flush=True)
"""


@dataclass(frozen=True)
class Bench:
    """Inputs and archives in a folder."""

    folder: Path

    def boot(self, main: str, ranks: int, **params: Any) -> tuple[float, list[str]]:
        """Run a job; gives when it was started, and what it printed."""
        uris = {"program": "archive.zip", "input": "in/", "output": "try/out/"}
        words = [w for n, v in uris.items() for w in (f"--{n}", f"{self.folder.as_uri()}/{v}")]
        words += ["--main", main, "--ranks", str(ranks), "--timeout-s", "600"]
        command = [sys.executable, "-m", "boot", *words, "--params", json.dumps(params)]
        return self.ran(command, PROJECT / "tasks")

    def ran(self, command: list[str], at: Path) -> tuple[float, list[str]]:
        """Run a command that must not fail."""
        drop = ("AWS_", "HEADRACE_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
        started = time.time()
        done = subprocess.run(
            command, cwd=at, env=kept | {"HOME": str(self.folder)}, text=True, capture_output=True
        )
        if done.returncode:
            sys.exit(f"{command} failed:\n{done.stdout}{done.stderr}")
        return started, done.stdout.splitlines()

    def grid(self, ranks: int, **params: Any) -> dict[str, float]:
        """The grid's facts, with the seconds of mpiexec."""
        self.boot("tasks/mpi/persistence_grid.py", ranks, **params)
        facts = self.folder / "try" / "facts"
        told: dict[str, float] = json.loads((facts / "persistence_grid.json").read_text())
        told.update(json.loads((facts / "boot.json").read_text()))
        return told


def loop(bench: Bench) -> list[Figure]:
    """The grid at one rank beside a plain Numba loop on the same shocks."""
    bench.grid(1)  # what is compiled once on a machine is compiled by now
    ours, peers = [], []
    for _ in range(REPEATS):
        facts = bench.grid(1)
        command = [sys.executable, "-c", LOOP, str(bench.folder / "in" / "shocks.npy")]
        told = json.loads(bench.ran(command, bench.folder)[1][-1])
        if told["best"] != facts["best_mean_t"]:
            sys.exit(f"The loop found {told['best']}, the program {facts['best_mean_t']}.")
        ours.append(facts["compute_s"])
        peers.append(told["s"])
    mine, peer = min(ours), min(peers)
    beside = {"Numba loop, s": round(peer, 3)}
    return [
        Figure("grid at 1 rank, compute", round(mine, 3), "s", None, beside),
        Figure("grid at 1 rank, times a Numba loop", round(mine / peer, 2), "x", "<= 1.2"),
    ]


def ranks(bench: Bench) -> list[Figure]:
    """The grid at two ranks beside one: what is computed, and whole programs of more rhos."""
    figures = []
    bench.grid(2)
    for name, rhos, must in (("200 rhos", 200, ">= 1.7"), ("2,000 rhos", 200 * MANY, None)):
        found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
        for _ in range(REPEATS):
            for size, told in found.items():
                told.append(bench.grid(size, rhos=rhos))
        for what, bound in (("compute_s", must), ("program_s", None)):
            one, two = (min(t[what] for t in found[n]) for n in (1, 2))
            beside = {"1 rank, s": round(one, 3), "2 ranks, s": round(two, 3)}
            label = f"grid of {name}, 2 ranks over 1, {what.removesuffix('_s')}"
            figures.append(Figure(label, round(one / two, 2), "x", bound, beside))
    return figures


def start(bench: Bench) -> list[Figure]:
    """From the start of `boot` to the first collective, beside mpiexec alone."""
    alone = [sys.executable, str(bench.folder / "first.py")]
    mpiexec = [str(Path(sys.executable).parent / "mpiexec"), "-n", "2"]
    ours, peers = [], []
    for _ in range(REPEATS):
        ours.append(_first(*bench.boot("first.py", 2)))
        peers.append(_first(*bench.ran(mpiexec + alone, bench.folder)))
    mine, peer = min(ours), min(peers)
    beside = {"mpiexec alone, s": round(peer, 3)}
    return [
        Figure("start to first collective, boot", round(mine, 3), "s", None, beside),
        Figure("start over mpiexec alone", round(mine - peer, 3), "s", "<= 2"),
    ]


def _first(started: float, printed: list[str]) -> float:
    (line,) = [line for line in printed if "first " in line]
    return float(line.split()[-1]) - started


@contextlib.contextmanager
def opened() -> Iterator[Bench]:
    """A folder with shocks, and an archive of the programs."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-mpi-") as name:
        folder = Path(name)
        (folder / "in").mkdir()
        shocks = np.random.default_rng(0).standard_normal((WEEKS, LIVES))
        np.save(folder / "in" / "shocks.npy", shocks)
        (folder / "first.py").write_text(FIRST)
        with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
            archive.writestr("first.py", FIRST)
            for path in [PROJECT / "tasks" / "__init__.py", *PROJECT.glob("tasks/mpi/*.py")]:
                archive.write(path, path.relative_to(PROJECT))
        yield Bench(folder)


PARTS: dict[str, Callable[[Bench], list[Figure]]] = {
    each.__name__: each for each in (loop, ranks, start)
}


def measure(wanted: Sequence[str]) -> list[Figure]:
    """Measure these parts."""
    with opened() as bench:
        return [figure for part in wanted for figure in PARTS[part](bench)]


if __name__ == "__main__":
    printing.main("mpi", __doc__, PACKAGES, PARTS, measure)
