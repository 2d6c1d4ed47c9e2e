"""The health of many lives: z_t = rho z_(t-1) + (1 - rho) mu + e_t, and its moments.

    Gpu("health_index", program="tasks/gpu/health_index.py", input="s3://{lake}/files/shocks/",
        produces=Moments, params={"rho": 0.5, "mu": 3.0})

The input's prefix has one ``.npy`` file: shocks in float64 or float32, a row a week and a column a
life (mapped, not read, where it is a file of this machine). A work item follows neighbouring lives
through their weeks. One row, of the same bits as `tasks/mpi/health_index.py` gives:

| column | meaning |
|---|---|
| `lives`, `weeks` | how many |
| `rho`, `mu` | the params |
| `mean`, `sd` | of z over all lives and weeks (ddof 0) |
| `first` | z of the first life in week 0 |
| `last` | z of the last life in the last week |

Params: `rho` (0.5), `mu` (3.0), `start` (what z is before week 0, by default mu), `sigma` (1.0,
what shocks are multiplied by). Weeks that the device has no room for come in chunks: what z and its
sums were is kept there, so that the answer is the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.gpu import matrix
from tasks.gpu.device import Device
from tasks.gpu.program import Columns, Program, ProgramError, main

#: z: a product and two sums. Its difference from mu, taken once, two sums and a product.
FLOP = 7
Floats = NDArray[np.float64]
#: Lives of a CPU's work item: two lines of the cache a week, and chains enough to hide latency.
SIDE = 16
#: No product is fused with a sum: z must be NumPy's, Numba's and every device's.
SOURCE = """
#pragma OPENCL FP_CONTRACT OFF
#define SIDE %(side)d
kernel void follow(global const double *shocks, long lives, long weeks, double rho, double drift,
                   double mu, global double *z, global double *sums, global double *squares) {
    const long first = (long)get_global_id(0) * SIDE;
    const int wide = (int)min((long)SIDE, lives - first);
    double at[SIDE], sum[SIDE], square[SIDE];
    for (int l = 0; l < SIDE; ++l) {
        const int known = l < wide;
        at[l] = known ? z[first + l] : 0.0; sum[l] = known ? sums[first + l] : 0.0;
        square[l] = known ? squares[first + l] : 0.0;
    }
    #define WEEK(UNTIL) \\
        for (int l = 0; l < UNTIL; ++l) { \\
            at[l] = rho * at[l] + drift + shocks[week * lives + first + l]; \\
            const double away = at[l] - mu; \\
            sum[l] += away; square[l] += away * away; \\
        }
    if (wide == SIDE) for (long week = 0; week < weeks; ++week) WEEK(SIDE)
    else for (long week = 0; week < weeks; ++week) WEEK(wide)
    for (int l = 0; l < wide; ++l) {
        z[first + l] = at[l]; sums[first + l] = sum[l]; squares[first + l] = square[l];
    }
}"""


@dataclass
class Lives:
    """The kernel, and where each life is.

    Parameters
    ----------
    device : Device
        Where it runs.
    rho, mu : float
        Of the process.
    start : float
        What z is before week 0.
    """

    device: Device
    rho: float
    mu: float
    start: float

    def __post_init__(self) -> None:
        self.side = SIDE if self.device.shared else 1
        program = self.device.program(SOURCE % {"side": self.side}, "the health index")
        self.kernel = program.follow
        with self.device.compiling("the health index"):
            self._follow(self.device.put(np.zeros(1)), 1, *self._begin(1))

    def moments(self, shocks: Any, sigma: float = 1.0) -> tuple[Floats, Floats, float, float]:
        """Follow the lives of a matrix (weeks, lives).

        Returns
        -------
        sums, squares : ndarray
            Of z - mu and of its square, a life each.
        first, last : float
            z of the first life in week 0, of the last life in the last week.
        """
        device, (weeks, lives) = self.device, shocks.shape
        chunk = max(1, device.chunk(8 * lives, "a week of all lives"))
        state = self._begin(lives)
        first = self.rho * self.start + (1 - self.rho) * self.mu + float(shocks[0, 0]) * sigma
        for week in range(0, weeks, chunk):
            part = np.ascontiguousarray(shocks[week : week + chunk], dtype=np.float64)
            part = part if sigma == 1 else part * sigma
            there = device.put(part)
            device.run(
                "follow", partial(self._follow, there, lives, *state),
                8 * part.size + 48 * lives, FLOP * part.size,
            )  # fmt: skip
        z, sums, squares = (device.take(s) for s in state)
        return sums, squares, first, float(z[-1])

    def _begin(self, lives: int) -> list[Any]:
        begun = np.full(lives, self.start), np.zeros(lives), np.zeros(lives)
        return [self.device.put(b) for b in begun]

    def _follow(self, shocks: Any, lives: int, z: Any, sums: Any, squares: Any) -> Any:
        device = self.device
        items = -(-lives // self.side)
        numbers = [np.float64(x) for x in (self.rho, (1 - self.rho) * self.mu, self.mu)]
        return self.kernel(
            device.queue, (items,), (1,) if device.shared else None, shocks.data, np.int64(lives),
            np.int64(shocks.size // lives), *numbers, z.data, sums.data, squares.data,
        )  # fmt: skip


def health_index(program: Program) -> Columns:
    """Compute the moments."""
    program.known("rho", "mu", "start", "sigma")
    rho, mu = program.param("rho", 0.5), program.param("mu", 3.0)
    shocks = matrix.read(program.input)
    weeks, lives = shocks.shape
    device, values = program.device, weeks * lives
    program.forecast(0 if device.shared else 8 * values, 8 * values, FLOP * values)
    told = Lives(device, rho, mu, program.param("start", mu))
    sums, squares, first, last = told.moments(shocks, program.param("sigma", 1.0))
    if not np.isfinite(sums).all() or not np.isfinite(squares).all():
        raise ProgramError(
            f"While following lives, found sums that are no finite numbers with rho={rho}. "
            "z grows without end where rho is beyond -1 to 1. Correct the params."
        )
    away = math.fsum(sums) / values
    spread = math.sqrt(max(0.0, math.fsum(squares) / values - away * away))
    return {
        "lives": [lives], "weeks": [weeks], "rho": [rho], "mu": [mu],
        "mean": [mu + away], "sd": [spread], "first": [first], "last": [last],
    }  # fmt: skip


if __name__ == "__main__":
    main(health_index)
