"""Measures tasks/gpu: the health index beside Numba, walks beside NumPy, NDVI beside a copy.

    python bench/gpu.py --json [--only health|walks|ndvi]

Kernels run by the Python of their image (`make setup` builds it; ``HEADRACE_GPU_PYTHON`` names
another), in a process of their own; peers of that part run beside them, one after the other. It
says which device: of a GPU the copy there is not in these figures. Scenes are the course's
(../shared/data); part ndvi writes 1 GiB of them, tiled, to the folder for temporary files.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.printing import main
from bench.spine import Figure

PROJECT = Path(__file__).resolve().parents[1]
SCENES = PROJECT.parent / "shared" / "data" / "landsat" / "L8NY18"
WAYS = {
    "ElementwiseKernel": "map_bytes_per_s",
    "both kernels": "bytes_per_s",
    "streamed from disk": "streamed_bytes_per_s",
}
WEEKS, LIVES, SIDE = 4160, 1000, 16
GB = 1e9


def interpreter() -> str:
    """The Python of tasks/gpu's packages."""
    if given := os.environ.get("HEADRACE_GPU_PYTHON"):
        return given
    images = {"LOCALCLOUD_IMAGES": str(PROJECT / ".cache" / "images"), **os.environ}
    words = [sys.executable, "-m", "localcloud.engines.images", "where", "tasks/gpu"]
    told = subprocess.run(words, cwd=PROJECT, env=images, text=True, capture_output=True)
    if told.returncode:
        raise SystemExit(f"No environment of tasks/gpu; make setup builds it. {told.stderr}")
    return told.stdout.strip()


def kernels(part: str, folder: Path) -> dict[str, Any]:
    """What the image's Python measures."""
    words = [interpreter(), "-m", "bench.gpu_kernels", part, str(folder)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(words, cwd=PROJECT, env=environment, text=True, stdout=subprocess.PIPE)
    if done.returncode:
        raise SystemExit(f"{part} failed; see above")
    told: dict[str, Any] = json.loads(done.stdout)
    print(f"{part}: {told['device']} by {told['platform']}", file=sys.stderr)
    return told


@numba.njit(parallel=True)
def by_life(shocks: Any, rho: float, mu: float, told: Any) -> None:
    """A life at a time, its weeks being neighbours: `shocks` (lives, weeks)."""
    drift = (1 - rho) * mu
    for life in numba.prange(shocks.shape[0]):
        z, total, squares = mu, 0.0, 0.0
        for week in range(shocks.shape[1]):
            z = rho * z + drift + shocks[life, week]
            total += z - mu
            squares += (z - mu) * (z - mu)
        told[life, 0], told[life, 1] = total, squares


@numba.njit(parallel=True)
def side_by_side(shocks: Any, rho: float, mu: float, told: Any) -> None:
    """Sixteen lives at a time, as the kernel does: `shocks` (weeks, lives)."""
    drift = (1 - rho) * mu
    for block in numba.prange((shocks.shape[1] + SIDE - 1) // SIDE):
        first = block * SIDE
        wide = min(SIDE, shocks.shape[1] - first)
        z, total, squares = np.full(SIDE, mu), np.zeros(SIDE), np.zeros(SIDE)
        for week in range(shocks.shape[0]):
            for i in range(wide):
                z[i] = rho * z[i] + drift + shocks[week, first + i]
                total[i] += z[i] - mu
                squares[i] += (z[i] - mu) * (z[i] - mu)
        told[first : first + wide, 0] = total[:wide]
        told[first : first + wide, 1] = squares[:wide]


def health(folder: Path) -> list[Figure]:
    """OpenCL beside Numba parallel, the faster of two ways to write it."""
    shocks = np.random.RandomState(25).normal(size=(WEEKS, LIVES))
    np.save(folder / "shocks.npy", shocks)
    told, by_lives = np.empty((LIVES, 2)), np.ascontiguousarray(shocks.T)
    ways: dict[str, Callable[[], None]] = {
        "Numba, a life at a time": lambda: by_life(by_lives, 0.5, 3.0, told),
        "Numba, sixteen side by side": lambda: side_by_side(shocks, 0.5, 3.0, told),
    }
    before = {name: fastest(way) for name, way in ways.items()}
    opencl = kernels("health", folder)["opencl_s"]
    after = {name: fastest(way) for name, way in ways.items()}
    seconds = {name: min(before[name], after[name]) for name in ways}
    peers = {f"{name}, ms": 1e3 * s for name, s in seconds.items()}
    return [
        Figure("health index, OpenCL over Numba parallel", min(seconds.values()) / opencl, "x",
               "0.8 at least", peers | {"OpenCL, ms": 1e3 * opencl}),
    ]  # fmt: skip


def fastest(work: Callable[[], Any], times: int = 25) -> float:
    """The fastest of some runs, after one that compiles."""
    work()
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def walks(folder: Path) -> list[Figure]:
    """OpenCL's Philox beside NumPy's."""
    told = kernels("walks", folder)
    peers = {
        "OpenCL, M draws/s": told["opencl_per_s"] / 1e6,
        "NumPy, M draws/s": told["numpy_per_s"] / 1e6,
        "draws on each side": told["draws"],
    }
    times = told["opencl_per_s"] / told["numpy_per_s"]
    return [Figure("Monte Carlo walks, OpenCL over NumPy, Philox", times, "x", "3 at least", peers)]


def ndvi(folder: Path) -> list[Figure]:
    """NDVI's kernels beside a copy, in memory and from disk."""
    if not SCENES.is_dir():
        raise SystemExit("The course's scenes are not on this machine: leave part ndvi out.")
    for path in SCENES.glob("*_B[45].TIF"):
        shutil.copy(path, folder)
    told = kernels("ndvi", folder)
    copy, figures = told["copy_bytes_per_s"], []
    for precision in ("float32", "float64"):
        figures.append(Figure(f"NDVI {precision}, largest difference from NumPy",
                              told[f"{precision}_differs"], "", "0"))  # fmt: skip
        for what, name in WAYS.items():
            rate = told[f"{precision}_{name}"]
            peers = {"GB/s": rate / GB, "a copy, GB/s": copy / GB}
            if "streamed" in name:
                peers["files, MiB/s"] = told[f"{precision}_streamed_mib_per_s"]
            figures.append(
                Figure(f"NDVI {precision}, {what}", rate / copy, "x a copy", "0.7 at least", peers)
            )
    return figures


PARTS: dict[str, Callable[[Path], list[Figure]]] = {"health": health, "walks": walks, "ndvi": ndvi}


def measure(parts: Sequence[str]) -> list[Figure]:
    """Measure some parts, each in a folder of its own."""
    figures: list[Figure] = []
    for part in parts:
        with tempfile.TemporaryDirectory() as folder:
            figures += PARTS[part](Path(folder))
    return figures


if __name__ == "__main__":
    main("gpu", __doc__, ("numba", "numpy"), PARTS, measure)
