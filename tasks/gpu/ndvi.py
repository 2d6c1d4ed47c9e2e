"""NDVI of Landsat scenes: how green each is, (B5 - B4) / (B5 + B4) where both bands are > 0.

    Gpu("greenness", program="tasks/gpu/ndvi.py", input="s3://{lake}/files/landsat/",
        produces=Greenness, params={"precision": "float64"})

Below the input are GeoTIFFs ``*_B4.TIF`` and ``*_B5.TIF``, see `tasks.gpu.scenes`; scenes may
differ in size. A row a scene, by name:

| column | meaning |
|---|---|
| `scene` | its name, without the band |
| `pixels` | of it where both bands are > 0 |
| `mean` | of their NDVI |
| `width`, `height` | of the scene, in pixels |

An ElementwiseKernel computes each pixel in `precision` (``"float64"`` or ``"float32"``); bands are
whole numbers, so the quotient is the one rounding, and each pixel is NumPy's, bit for bit. A
ReductionKernel adds them *exactly*, see :data:`SUM`: the mean doesn't depend on chunks or devices.

A scene whose bands differ in size, can't be read, or have no pixel where both are > 0 (it has no
mean) ends the program, naming it. With the param ``"skip": true`` it is left out instead, the log
says why, and the facts count it (`skipped`) and name it (`skipped_scenes`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyopencl as cl
from pyopencl.elementwise import ElementwiseKernel
from pyopencl.reduction import ReductionKernel

from tasks.gpu import scenes
from tasks.gpu.device import Device
from tasks.gpu.program import Columns, Program, ProgramError, main, say

FLOP = 3  # a difference, a sum, a quotient
TYPES = {"float64": "double", "float32": "float"}
BANDS = {"uint8": "uchar", "uint16": "ushort"}
NDVI = """
const long end = min((i + 1) * %(row)d, count);
for (long j = i * %(row)d; j < end; ++j) {
    const %(real)s r = red[j], v = near[j];
    ndvi[j] = (r > 0 & v > 0) ? (v - r) / (v + r) : (%(real)s)NAN;
}"""
#: Sums that are exact, so that their order means nothing. An NDVI of whole numbers below 2^16 is a
#: multiple of 2^-40 in float32 and of 2^-69 in float64; each is cut into multiples of 2^-20, of
#: 2^-46 (float64) and the rest, and a float64 holds such parts' sums exactly for 2^26 pixels.
#: (Demmel and Nguyen 2013, Fast reproducible floating-point summation, cut so too.)
SUM = """
#pragma OPENCL FP_CONTRACT OFF
#define UP 0x1.8p32
#define FINER(rest) %(finer)s
#define WIDE(v) %(wide)s
double4 cut(double x) {
    const bool there = x == x;
    x = there ? x : 0.0;
    const double high = (x + UP) - UP, rest = x - high, mid = FINER(rest);
    return (double4)(high, mid, rest - mid, there ? 1.0 : 0.0);
}
// Four of them at any place: vload4() of PoCL 3 goes lane by lane.
typedef %(real)s4 four __attribute__((aligned(sizeof(%(real)s))));
double folded(double4 x) { return (x.x + x.y) + (x.z + x.w); }
double4 added(global const %(real)s *x, long first, long end) {
    double4 high = 0.0, mid = 0.0, low = 0.0;
    long4 pixels = 0;
    long j = first;
    for (; j + 4 <= end; j += 4) {
        double4 y = WIDE(*(global const four *)(x + j));
        const long4 there = y == y;
        pixels -= there;  // a true one is -1 in vectors
        y = there ? y : (double4)(0.0);
        const double4 h = (y + UP) - UP, rest = y - h, m = FINER(rest);
        high += h; mid += m; low += rest - m;
    }
    double4 told = (double4)(folded(high), folded(mid), folded(low),
                             (double)(pixels.x + pixels.y + pixels.z + pixels.w));
    for (; j < end; ++j) told += cut(x[j]);
    return told;
}"""
FINER = {"float64": "((rest) + 0x1.8p6) - 0x1.8p6", "float32": "(rest)"}
#: convert_double4() of PoCL 3 goes lane by lane.
WIDE = {True: "__builtin_convertvector(v, double4)", False: "convert_double4(v)"}
MOST_PIXELS = 2**26
#: Pixels of a row that a CPU's work item adds. A ReductionKernel makes a group of 128 of them and
#: gives each four rows, and there must be groups for all cores: rows are shorter than the map's.
SUM_ROW = 256


@dataclass
class Ndvi:
    """The kernels of one kind of bands, in one precision.

    Parameters
    ----------
    device : Device
        Where they run.
    bands : dtype
        Of both bands, unsigned whole numbers.
    precision : str
        ``"float64"`` or ``"float32"``.
    """

    device: Device
    bands: np.dtype[Any]
    precision: str

    def __post_init__(self) -> None:
        device, row = self.device, self.device.row
        some = self.summed_row = min(row, SUM_ROW)
        words = {"row": row, "real": TYPES[self.precision], "finer": FINER[self.precision],
                 "wide": WIDE[device.shared]}  # fmt: skip
        self.real = np.dtype(self.precision)
        band = BANDS[self.bands.name]
        self.pixel_bytes = 2 * self.bands.itemsize + self.real.itemsize
        with device.compiling("NDVI"):
            self.each = ElementwiseKernel(
                device.context,
                f"const {band} *red, const {band} *near, {words['real']} *ndvi, long count",
                NDVI % words, "ndvi", options=_exact_quotient(device),
            )  # fmt: skip
            self.all = ReductionKernel(
                device.context, np.dtype(cl.cltypes.double4),
                neutral="(double4)(0.0)", reduce_expr="a + b", preamble=SUM % words,
                map_expr=f"added(ndvi, i * {some}, min((i + 1) * {some}, count))",
                arguments=f"const {words['real']} *ndvi, long count", name="ndvi_sum",
            )  # fmt: skip
            tiny = np.ones(1, self.bands)
            self._sum(self._map(device.put(tiny), device.put(tiny)))

    def chunk(self) -> int:
        """Pixels of a chunk."""
        chunk = self.device.chunk(self.pixel_bytes, "a row of pixels", self.device.row)
        return min(MOST_PIXELS, chunk)

    def map(self, red: scenes.Pixels, near: scenes.Pixels) -> Any:
        """NDVI of a chunk's pixels, on the device; NaN where a band is 0."""
        there = self.device.put(red), self.device.put(near)
        count = red.size
        return self.device.run(
            "ndvi", partial(self._map, *there), count * self.pixel_bytes, FLOP * count
        )

    def sums(self, red: scenes.Pixels, near: scenes.Pixels) -> tuple[list[float], int]:
        """Parts whose sum is that of a chunk's NDVI, exactly, and its pixels that are not NaN."""
        there, count = (self.device.put(red), self.device.put(near)), red.size
        told = self.device.run(
            "ndvi", lambda: self._sum(self._map(*there)),
            count * (self.pixel_bytes + self.real.itemsize), (FLOP + 1) * count,
        )  # fmt: skip
        high, mid, low, pixels = self.device.take(told).item()
        return [high, mid, low], int(pixels)

    def mean(self, red: scenes.Pixels, near: scenes.Pixels) -> tuple[float, int]:
        """Mean of a scene (NaN without pixels) and the pixels that it is of."""
        parts: list[float] = []
        pixels, chunk = 0, self.chunk()
        for first in range(0, red.size, chunk):
            some, more = self.sums(red[first : first + chunk], near[first : first + chunk])
            parts += some
            pixels += more
        return (math.fsum(parts) / pixels if pixels else math.nan), pixels

    def _map(self, red: Any, near: Any) -> Any:
        ndvi, count = self.device.empty(red.size, self.real), red.size
        self.each(red, near, ndvi, np.int64(count), range=slice(0, -(-count // self.device.row)))
        return ndvi

    def _sum(self, ndvi: Any) -> Any:
        count = ndvi.size
        return self.all(ndvi, np.int64(count), range=slice(0, -(-count // self.summed_row)))


def ndvi(program: Program) -> Columns:
    """Compute the means."""
    program.known("precision", "skip")
    precision = program.choice("precision", "float64", "float32")
    skip = program.param("skip", False)
    listed = scenes.found(program.input)
    kernels: dict[np.dtype[Any], Ndvi] = {}
    told: list[tuple[str, int, float, int, int]] = []
    skipped: list[str] = []
    for scene, bands in zip(listed, scenes.read(listed), strict=True):
        wrong = bands if isinstance(bands, scenes.SceneError) else None
        if not isinstance(bands, scenes.SceneError):
            if bands.red.dtype not in kernels:
                kernels[bands.red.dtype] = Ndvi(program.device, bands.red.dtype, precision)
                _forecast(program, bands, len(listed))
            mean, pixels = kernels[bands.red.dtype].mean(bands.red, bands.near)
            told.append((bands.name, pixels, mean, bands.width, bands.height))
            wrong = None if pixels else _empty(bands)
        if wrong is None:
            continue
        if not skip:
            raise wrong
        say(f"left out: {wrong}")
        skipped.append(scene.name)
    program.note("skipped", len(skipped))
    program.note("skipped_scenes", ", ".join(skipped))
    if len(skipped) == len(listed):
        raise ProgramError(f"While computing, found no scene of {len(listed)} that could be. Look.")
    columns = zip(*(t for t in told if t[1]), strict=True)
    return dict(
        zip(("scene", "pixels", "mean", "width", "height"), map(list, columns), strict=True)
    )


def _forecast(program: Program, bands: scenes.Bands, count: int) -> None:
    """Of all scenes, taken to be as large as the first."""
    pixels = count * bands.red.size
    moved = 0 if program.device.shared else 2 * bands.red.itemsize * pixels
    program.forecast(moved, pixels * (2 * bands.red.itemsize + 16), (FLOP + 1) * pixels)


def _empty(bands: scenes.Bands) -> scenes.SceneError:
    return scenes.SceneError(
        f"While computing scene {bands.name}, found none of {bands.red.size} pixels with both "
        "bands > 0: it is empty, and has no mean. Take it away, or leave it out by skip."
    )


def _exact_quotient(device: Device) -> list[str]:
    """Round float32 quotients as NumPy does where a device can, which it needn't by itself."""
    exact = cl.device_fp_config.CORRECTLY_ROUNDED_DIVIDE_SQRT
    if device.cl_device.single_fp_config & exact:
        return ["-cl-fp32-correctly-rounded-divide-sqrt"]
    return []


if __name__ == "__main__":
    main(ndvi)
