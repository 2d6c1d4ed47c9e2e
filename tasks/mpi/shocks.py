"""The shocks of lives: a matrix that was given, or drawn by the life's own number.

The input's prefix has either one ``.npy`` file, a matrix with a row a week and a column a life
(mapped, not read, where it is a file of this machine), or Parquet files with a column ``life``,
the numbers of the lives that are drawn: N(0, 1), keyed by (seed, life). Either is multiplied by
the param `sigma`. On the ranks a life's shocks are neighbours, as the loop over its weeks
wants them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.mpi.draws import Draws
from tasks.mpi.program import Program, ProgramError
from tasks.mpi.split import counts, share

Floats = NDArray[np.float64]
PARAMS = ("weeks", "sigma")


@dataclass(frozen=True)
class Source:
    """Where the shocks come from; known to all ranks.

    Parameters
    ----------
    lives, weeks : int
        How many.
    numbers : ndarray or None
        The lives' numbers where they are drawn.
    matrix : ndarray, shape (lives, weeks), or None
        What was given, on rank 0.
    """

    lives: int
    weeks: int
    numbers: NDArray[np.int64] | None
    matrix: Floats | None


def source(program: Program) -> Source:
    """Look at the input on rank 0, and tell all.

    Raises
    ------
    ProgramError
        Where a shock is no number, by its row and column.
    """
    found = _look(program) if program.root else None
    told = program.comm.bcast(found and (found.lives, found.weeks, found.numbers))
    return found or Source(told[0], told[1], told[2], None)


def scattered(program: Program, given: Source) -> Floats:
    """Scatter the lives, by :func:`tasks.mpi.split.share`: gives this rank's, (lives, weeks)."""
    mine = share(given.lives, program.rank, program.size)
    if given.numbers is not None:
        return _drawn(program, given, mine)
    taken = np.empty((len(mine), given.weeks))
    sizes = counts(given.lives, program.size, given.weeks)
    program.comm.Scatterv([given.matrix, sizes] if program.root else None, taken)
    return taken


def everywhere(program: Program, given: Source) -> Floats:
    """All lives on every rank: an array (lives, weeks)."""
    if given.numbers is None:
        whole = given.matrix if given.matrix is not None else np.empty((given.lives, given.weeks))
        program.comm.Bcast(whole)
        return whole
    whole = np.empty((given.lives, given.weeks))
    mine = _drawn(program, given, share(given.lives, program.rank, program.size))
    program.comm.Allgatherv(mine, [whole, counts(given.lives, program.size, given.weeks)])
    return whole


def _look(program: Program) -> Source:
    from tasks.mpi import rows

    sigma: float = program.param("sigma", 1.0)
    weeks: int = program.param("weeks", 4160)
    found = rows.matrix(program.input)
    if found is None:
        numbers = np.unique(rows.integers(program.input, "life"))
        if weeks < 1:
            raise ProgramError(f"While drawing lives, found weeks={weeks}. Ask for 1 at least.")
        return Source(len(numbers), weeks, numbers, None)
    if program.params.get("weeks", len(found)) != len(found):
        raise ProgramError(
            f"While reading {program.input}, found {len(found)} weeks, where the stage's params "
            f"say {weeks}. Drop weeks: the matrix tells."
        )
    rows.check_finite(found, program.input, "week", "life")
    lives = np.ascontiguousarray(found.T, dtype=np.float64)
    return Source(len(lives), len(found), None, lives if sigma == 1 else lives * sigma)


def _drawn(program: Program, given: Source, mine: range) -> Floats:
    assert given.numbers is not None  # noqa: S101  # the callers have looked
    drawn, draws = np.empty((len(mine), given.weeks)), Draws(program.seed)
    for row, life in enumerate(given.numbers[mine.start : mine.stop]):
        drawn[row] = draws.normals(int(life), given.weeks)
    drawn *= program.param("sigma", 1.0)
    return drawn
