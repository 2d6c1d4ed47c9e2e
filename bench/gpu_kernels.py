"""What `bench/gpu.py` measures by the Python of tasks/gpu's image: kernels, and NumPy beside them.

Prints a JSON object. A figure is the best of some times, in seconds: what else the machine did in
between only adds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tasks.gpu import ceilings, scenes
from tasks.gpu.device import MIB, Device, pick
from tasks.gpu.health_index import Lives
from tasks.gpu.ndvi import Ndvi
from tasks.gpu.random_walks import Walks

WALKS, MOVES, TIMES = 100_000, 99, 9
SIDE, DISK_SCENES = 8_192, 4  # pixels; a Landsat scene has 7,700 by 7,800


def best(work: Callable[[], Any], times: int = TIMES) -> float:
    """The fastest of some runs, after one that isn't counted."""
    work()
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def health(device: Device, folder: Path) -> dict[str, float]:
    """The health index of a matrix that is in memory, to its sums."""
    shocks = np.load(folder / "shocks.npy")
    lives = Lives(device, 0.5, 3.0, 3.0)
    return {"opencl_s": best(lambda: lives.moments(shocks), 25)}


def walks(device: Device, _: Path) -> dict[str, float]:
    """Walks: draws, running sums, last, lowest and highest; the same by NumPy's own Philox."""
    numbers = np.arange(WALKS)
    kernels = Walks(device, MOVES, 25)
    chunk = kernels.chunk()
    generator = np.random.Generator(np.random.Philox(25))

    def by_device() -> None:
        for first in range(0, WALKS, chunk):
            kernels.ends(numbers[first : first + chunk])

    def by_numpy() -> None:
        for first in range(0, WALKS, 10_000):  # what fits the cache, or it would only be slower
            places = generator.standard_normal((min(10_000, WALKS - first), MOVES))
            np.cumsum(places, axis=1, out=places)
            places[:, -1].copy(), places.min(axis=1), places.max(axis=1)

    draws = WALKS * MOVES
    return {
        "draws": draws,
        "opencl_per_s": draws / best(by_device),
        "numpy_per_s": draws / best(by_numpy, 5),
    }


def ndvi(device: Device, folder: Path) -> dict[str, float]:
    """NDVI of scenes tiled until no cache holds them: in memory, and streamed from disk."""
    listed = scenes.found(folder.as_uri())
    tiled = [_tiled(bands) for bands in scenes.read(listed[:DISK_SCENES])]
    copy = ceilings.measured(device).copy_bytes
    told = {"copy_bytes_per_s": copy, "pixels": float(SIDE * SIDE * len(tiled))}
    for precision in ("float32", "float64"):
        kernels = Ndvi(device, np.dtype(np.uint16), precision)
        red, near = (b.reshape(-1) for b in tiled[0])
        told[f"{precision}_differs"] = _differs(kernels, red, near, precision)
        told[f"{precision}_map_bytes_per_s"] = _mapped(kernels, red, near)
        told[f"{precision}_bytes_per_s"] = _whole(kernels, red, near)
    told |= _streamed(device, tiled, folder / "tiled")
    return told


def _tiled(bands: Any) -> list[Any]:
    assert isinstance(bands, scenes.Bands), bands
    shape = (bands.height, bands.width)
    times = -(-SIDE // min(shape))
    return [
        np.ascontiguousarray(np.tile(b.reshape(shape), (times, times))[:SIDE, :SIDE])
        for b in (bands.red, bands.near)
    ]


def _differs(kernels: Ndvi, red: Any, near: Any, precision: str) -> float:
    """The largest difference from NumPy in the stated precision, over all pixels."""
    most, chunk = 0.0, min(kernels.chunk(), 2**20)
    for first in range(0, red.size, chunk):
        part = slice(first, first + chunk)
        r, n = red[part].astype(precision), near[part].astype(precision)
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = np.where((r > 0) & (n > 0), (n - r) / (n + r), np.nan)
        found = kernels.device.take(kernels.map(red[part], near[part]))
        assert np.array_equal(np.isnan(found), np.isnan(expected))
        most = max(most, float(np.nanmax(np.abs(found - expected))))
    return most


def _mapped(kernels: Ndvi, red: scenes.Pixels, near: scenes.Pixels) -> float:
    """Bytes a second of the ElementwiseKernel alone, from and to memory that no cache holds."""
    device = kernels.device
    there = device.put(red), device.put(near)
    out = device.empty(red.size, kernels.real)
    rows = slice(0, -(-red.size // device.row))

    def work() -> None:
        kernels.each(*there, out, np.int64(red.size), range=rows)
        device.queue.finish()

    return red.size * kernels.pixel_bytes / best(work)


def _whole(kernels: Ndvi, red: scenes.Pixels, near: scenes.Pixels) -> float:
    """Bytes a second of both kernels, as the program runs them, chunk by chunk."""
    bytes_ = red.size * (kernels.pixel_bytes + kernels.real.itemsize)
    return bytes_ / best(lambda: kernels.mean(red, near), 5)


def _streamed(device: Device, tiled: list[Any], folder: Path) -> dict[str, float]:
    """Files that aren't compressed, read, computed and added up, wall clock from end to end."""
    folder.mkdir()
    for number, bands in enumerate(tiled):
        for band, pixels in zip(("B4", "B5"), bands, strict=True):
            Image.fromarray(pixels).save(folder / f"LC08_{number:02d}_{band}.TIF")
    told = {}
    listed = scenes.found(folder.as_uri())
    for precision in ("float32", "float64"):
        kernels = Ndvi(device, np.dtype(np.uint16), precision)

        def work(kernels: Ndvi = kernels) -> None:
            for bands in scenes.read(listed):
                assert isinstance(bands, scenes.Bands), bands
                kernels.mean(bands.red, bands.near)

        pixels = sum(b[0].size for b in tiled)
        seconds = best(work, 3)
        bytes_ = pixels * (kernels.pixel_bytes + kernels.real.itemsize)
        told[f"{precision}_streamed_bytes_per_s"] = bytes_ / seconds
        told[f"{precision}_streamed_mib_per_s"] = pixels * 4 / MIB / seconds
    return told


PARTS: dict[str, Callable[[Device, Path], dict[str, float]]] = {
    "health": health, "walks": walks, "ndvi": ndvi,
}  # fmt: skip


def main() -> None:
    """Measure the part that is named, on files of a folder."""
    device = pick()
    told = PARTS[sys.argv[1]](device, Path(sys.argv[2]))
    print(json.dumps({"device": device.name, "platform": device.platform, **told}))


if __name__ == "__main__":
    main()
