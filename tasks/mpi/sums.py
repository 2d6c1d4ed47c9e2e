"""Sums that don't depend on how many ranks added them.

Adding floats in another order gives other last digits, so a plain Reduce of each rank's sum
changes with the number of ranks. Here a rank sums each of its items by itself, always in the
item's own order; the items' sums are Reduced into a row that has a place for each (one rank adds
to a place, the others add zero, which changes nothing), and rank 0 adds the row exactly.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray


def reduced(
    comm: Any, mine: NDArray[np.float64], places: range, items: int
) -> NDArray[np.float64] | None:
    """Reduce the numbers of every item to rank 0.

    Parameters
    ----------
    comm : MPI.Comm
        All ranks.
    mine : ndarray, shape (len(places), columns)
        The numbers of this rank's items.
    places : range
        Which items these are, of `items`.

    Returns
    -------
    ndarray, shape (items, columns), or None
        In the order of items; None on ranks other than 0.
    """
    row = np.zeros((items, mine.shape[1]))
    row[places.start : places.stop : places.step] = mine
    whole = np.empty_like(row) if comm.Get_rank() == 0 else None
    comm.Reduce(row, whole, op=MPI.SUM)
    return whole


def mean_and_sd(
    count: int, sums: NDArray[np.float64], squares: NDArray[np.float64], about: float
) -> tuple[float, float]:
    """Mean and standard deviation (of all, ddof 0) of `count` values.

    Parameters
    ----------
    count : int
        How many values.
    sums, squares : ndarray
        Sums, an item each, of the values' differences from `about`, and of their squares.
    about : float
        A number near the mean, so that nothing is lost where that is large beside the deviation.
    """
    away = math.fsum(sums) / count
    return about + away, math.sqrt(max(0.0, math.fsum(squares) / count - away * away))
