"""Random walks: the device draws their steps, and a segmented scan adds them up.

    Gpu("random_walks", program="tasks/gpu/random_walks.py",
        input="SELECT walk FROM UNNEST(sequence(0, 9999)) AS t(walk)", produces=Walk,
        params={"steps": 100, "start": 100.0, "first": "zero"})

The input's column `walk` numbers the walks; their steps are N(0, 1), keyed by (seed, walk), see
`tasks.gpu.draws`: no two walks are alike, and none changes with chunks or devices. A row a walk, in
the order of their numbers:

| column | meaning |
|---|---|
| `walk` | its number |
| `last` | where it is after its last step |
| `lowest`, `highest` | of all its places |
| `moves` | random steps that it took |

Params as of `tasks/mpi/random_walks.py`: `steps` (100), `start` (100.0), `sd` (1.0), and `first`,
``"zero"`` (step 0 is zero, so that the deviation of `last` over walks is sqrt(99)) or ``"drawn"``
(10). The draws are others than those: Philox of 32 bits and Box-Muller in float32.

A step is a whole number of 2^-24, as fine as a float32 near 1. So the scan adds whole numbers,
exactly, and where it was cut means nothing. Facts: `mean` and `sd_last` over walks, `sd_expected`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyopencl as cl
from numpy.typing import NDArray
from pyopencl.elementwise import ElementwiseKernel
from pyopencl.scan import GenericScanKernel

from tasks import rows
from tasks.gpu import draws
from tasks.gpu.device import Device
from tasks.gpu.program import Columns, Program, ProgramError, main

#: Products and sums of a normal, and the sum of the scan.
FLOP = 25
UNIT = 2**24
Longs = NDArray[np.int64]
# A block is four steps of `LANES` walks; i is a row of blocks, of which neighbours are of one walk.
DRAW = """
const long each = (moves + 3) / 4, end = min((i + 1) * %(row)d, blocks);
for (long b = i * %(row)d; b < end; ++b) {
    const long group = b / each;
    const uint block = (uint)(b %% each);
    const i64 walk = LOAD(i64, walks + group * LANES);
    f32 z[4];
    normals(philox((u32)(block), TO(u32, walk), TO(u32, (walk >> 32)), 0u, key0, key1), z);
    for (int k = 0; k < 4 && 4 * block + k < moves; ++k) {
        const i64 step = TO(i64, TO(i32, (z[k] * 16777216.0f)));
        STORE(i64, step, (global long *)places + (group * moves + 4 * block + k) * LANES);
    }
}"""
BLOCKS = 64  # of a CPU's row
# i is a group of `LANES` walks.
ENDS = """
i64 low = 0, high = 0, place = 0;
for (long step = 0; step < moves; ++step) {
    place = LOAD(i64, (global const long *)places + (i * moves + step) * LANES);
    low = PICK(place < low, place, low);
    high = PICK(place > high, place, high);
}
STORE(i64, place, ends + 3 * i * LANES);
STORE(i64, low, ends + (3 * i + 1) * LANES);
STORE(i64, high, ends + (3 * i + 2) * LANES);"""


@dataclass
class Walks:
    """The kernels: draw, scan, and look where each walk was.

    Parameters
    ----------
    device : Device
        Where they run.
    moves : int
        Random steps of a walk.
    seed : int
        The study's.
    """

    device: Device
    moves: int
    seed: int

    def __post_init__(self) -> None:
        device, lanes = self.device, self.device.lanes
        item = "long" if lanes == 1 else f"long{lanes}"
        self.item = np.dtype(np.int64 if lanes == 1 else getattr(cl.cltypes, item))
        functions = draws.source(lanes)
        self.row = BLOCKS if device.shared else 1
        with device.compiling("the walks"):
            self.draw = ElementwiseKernel(
                device.context,
                f"const long *walks, {item} *places, long moves, long blocks, uint key0, uint key1",
                DRAW % {"row": self.row}, "draw", preamble=functions,
            )  # fmt: skip
            # Lanes are walks, so one scan follows `lanes` of them: on a CPU, whose cost is the
            # scan's own housekeeping for each item, four times as fast as a walk at a time.
            self.scan = GenericScanKernel(
                device.context, self.item, arguments=f"{item} *places, int moves",
                input_expr="places[i]", scan_expr="across_seg_boundary ? b : a + b",
                neutral=f"({item})(0)", is_segment_start_expr="i % moves == 0",
                output_statement="places[i] = item;",
            )  # fmt: skip
            self.look = ElementwiseKernel(
                device.context, f"const {item} *places, long *ends, long moves",
                ENDS, "ends", preamble=functions,
            )  # fmt: skip
            self._ends(self._scanned(self._drawn(device.put(np.zeros(lanes, np.int64)))))

    def chunk(self) -> int:
        """Walks of a chunk; their steps are numbered by 32 bits in a scan."""
        lanes = self.device.lanes
        most = self.device.chunk(8 * (self.moves + 4), "a walk", lanes)
        return max(lanes, min(most, (2**31 - 1) // self.moves // lanes * lanes))

    def ends(self, walks: Longs) -> Longs:
        """Where walks are last, lowest and highest, in 2^-24 from their start: shape (walks, 3)."""
        lanes, run = self.device.lanes, self.device.run
        padded = np.zeros(-(-len(walks) // lanes) * lanes, np.int64)
        padded[: len(walks)] = walks
        there, steps = self.device.put(padded), self.moves * len(padded)
        places = run("draw", partial(self._drawn, there), 8 * steps, (FLOP - 1) * steps)
        run("scan", partial(self._scanned, places), 16 * steps, steps)
        ends = run("ends", partial(self._ends, places), 8 * steps)
        told = self.device.take(ends).reshape(-1, 3, lanes)
        return told.transpose(0, 2, 1).reshape(-1, 3)[: len(walks)]

    def _drawn(self, walks: Any) -> Any:
        groups = walks.size // self.device.lanes
        places = self.device.empty(groups * self.moves, self.item)
        blocks = groups * -(-self.moves // 4)
        numbers = [np.int64(self.moves), np.int64(blocks), *map(np.uint32, draws.key(self.seed))]
        self.draw(walks, places, *numbers, range=slice(0, -(-blocks // self.row)))
        return places

    def _scanned(self, places: Any) -> Any:
        self.scan(places, np.int32(self.moves), size=places.size)
        return places

    def _ends(self, places: Any) -> Any:
        groups = places.size // self.moves
        ends = self.device.empty(3 * groups * self.device.lanes, np.int64)
        self.look(places, ends, np.int64(self.moves), range=slice(0, groups))
        return ends


def random_walks(program: Program) -> Columns:
    """Walk."""
    program.known("steps", "start", "sd", "first")
    steps = program.param("steps", 100)
    moves = steps - (program.choice("first", "zero", "drawn") == "zero")
    if moves < 1:
        raise ProgramError(f"While walking, found steps={steps}. Take 2 at least.")
    numbers = _numbers(program)
    told = np.empty((len(numbers), 3))
    start, sd = program.param("start", 100.0), program.param("sd", 1.0)
    device = program.device
    moved = 0 if device.shared else 32 * len(numbers)
    program.forecast(moved, 32 * moves * len(numbers), FLOP * moves * len(numbers))
    walks = Walks(device, moves, program.seed)
    chunk = walks.chunk()
    for first in range(0, len(numbers), chunk):
        ends = walks.ends(numbers[first : first + chunk])
        told[first : first + chunk] = start + sd * (ends / UNIT)
    _note(program, told[:, 0], start, sd * math.sqrt(moves))
    low, high = np.sort(told[:, 1:], axis=1).T  # a negative sd turns them round
    return {
        "walk": numbers, "last": told[:, 0], "lowest": low, "highest": high,
        "moves": np.full(len(numbers), moves),
    }  # fmt: skip


def _numbers(program: Program) -> Longs:
    walks = rows.read(program.input, "walk")["walk"].to_numpy()
    found, times = np.unique(walks, return_counts=True)
    if len(found) < len(walks):
        raise ProgramError(
            f"While reading walks, found number {found[times > 1][0]} more than once. Walks of one "
            "number are one walk. Number them apart in the stage's SQL."
        )
    return found.astype(np.int64)


def _note(program: Program, last: NDArray[np.float64], start: float, expected: float) -> None:
    away = [float(x) - start for x in last]
    mean = math.fsum(away) / len(away)
    spread = math.sqrt(math.fsum((x - mean) ** 2 for x in away) / len(away))
    program.note("mean", start + mean)
    program.note("sd_last", spread)
    program.note("sd_expected", expected)


if __name__ == "__main__":
    main(random_walks)
