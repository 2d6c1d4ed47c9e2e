"""The loops of the AR(1) health index, compiled: z_t = rho z_(t-1) + (1 - rho) mu + e_t."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Types are told, so that a kernel is compiled once, when its module is imported. Fast maths is
# off: it would let the compiler add in an order of its own, and another machine in another.


@numba.njit("void(float64[:, ::1], float64, float64, float64, float64[:, ::1])", cache=True)
def moments(shocks: Floats, rho: float, mu: float, start: float, told: Floats) -> None:
    """Follow each life; `told` (lives, 4) gets sums of z - mu and its square, first, last z."""
    drift = (1 - rho) * mu
    for life in range(shocks.shape[0]):
        z, total, squares = start, 0.0, 0.0
        for week in range(shocks.shape[1]):
            z = rho * z + drift + shocks[life, week]
            if week == 0:
                told[life, 2] = z
            total += z - mu
            squares += (z - mu) * (z - mu)
        told[life, 0] = total
        told[life, 1] = squares
        told[life, 3] = z


@numba.njit("UniTuple(int64, 2)(float64[:, ::1], float64, float64, float64)", cache=True)
def crossings(shocks: Floats, rho: float, mu: float, start: float) -> tuple[int, int]:
    """Follow each life to its first z <= 0; one that never gets there counts all weeks.

    Returns
    -------
    tuple of int
        The sum over lives of the week, counted from 0, and of the weeks that were computed.
    """
    drift = (1 - rho) * mu
    weeks = shocks.shape[1]
    total = computed = 0
    for life in range(shocks.shape[0]):
        z = start
        crossed = weeks
        for week in range(weeks):
            z = rho * z + drift + shocks[life, week]
            if z <= 0:
                crossed = week
                break
        total += crossed
        computed += min(crossed + 1, weeks)
    return total, computed
