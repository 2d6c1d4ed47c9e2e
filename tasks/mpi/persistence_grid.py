"""Which persistence keeps people healthy longest? A grid of rho on the same shocks.

    Mpi("persistence_grid", program="tasks/mpi/persistence_grid.py", ranks=2,
        input="s3://{lake}/files/grid/", produces=Persistence, params={"rhos": 200, "start": 0.0})

z_t = rho z_(t-1) + (1 - rho) mu + e_t; a life ends its good health in the first week, counted
from 0, in which z_t <= 0, and one that never does counts all weeks. The shocks are Bcast to all
ranks, the rhos Scattered, each rank finds its best, and the best of all is Allreduced. See
`tasks.mpi.shocks` for the input. A row a rho:

| column | meaning |
|---|---|
| `rho` | the persistence |
| `mean_t` | mean week over lives |
| `best` | whether no other mean is greater (of equal ones the smallest rho) |

Params: `rhos` (200), `low` (-0.95) and `high` (0.95) of the grid, `mu` (3.0), `start` (z before
week 0, by default 0.0), `sigma` (1.0), `weeks` (4160, where shocks are drawn). Facts: `flop`,
`bytes`, `compute_s`, `best_rho`, `best_mean_t`.
"""

from __future__ import annotations

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from tasks.mpi import shocks
from tasks.mpi.kernels import crossings
from tasks.mpi.program import Columns, Program, ProgramError, main
from tasks.mpi.split import deal

FLOP = 3  # a product and two sums, a week
#: MPI.DOUBLE_INT: sums are of whole weeks, so exact in a float.
PAIR = np.dtype([("weeks", np.float64), ("place", np.intc)], align=True)
Weeks = NDArray[np.int64]


def persistence_grid(program: Program) -> Columns | None:
    """Compute the grid."""
    program.known("rhos", "low", "high", "mu", "start", *shocks.PARAMS)
    grid = _grid(program)
    mine = _scattered(program, grid)
    given = shocks.source(program)
    whole = shocks.everywhere(program, given)
    mu, start = program.param("mu", 3.0), program.param("start", 0.0)
    with program.computing():
        found = np.array([crossings(whole, rho, mu, start) for rho in mine], dtype=np.int64)
        found = found.reshape(len(mine), 2)
        best = _best(program, found, deal(len(grid), program.rank, program.size))
        every = _gathered(program, found, len(grid))
    if every is None:
        return None
    program.note("flop", FLOP * int(every[:, 1].sum()))
    program.note("bytes", 8 * int(every[:, 1].sum()))
    program.note("best_rho", float(grid[best]))
    program.note("best_mean_t", int(every[best, 0]) / given.lives)
    means = every[:, 0] / given.lives
    return {"rho": grid, "mean_t": means, "best": np.arange(len(grid)) == best}


def _grid(program: Program) -> shocks.Floats:
    count = program.param("rhos", 200)
    if count < 1:
        raise ProgramError(f"While making the grid, found rhos={count}. Ask for 1 at least.")
    return np.linspace(program.param("low", -0.95), program.param("high", 0.95), count)


def _scattered(program: Program, grid: shocks.Floats) -> shocks.Floats:
    """Deal the rhos: lives last longest where rho is near 0, so neighbours cost alike."""
    hands = [deal(len(grid), rank, program.size) for rank in range(program.size)]
    dealt = np.concatenate([grid[hand.start :: hand.step] for hand in hands])
    mine = np.empty(len(hands[program.rank]))
    program.comm.Scatterv([dealt, [len(h) for h in hands]] if program.root else None, mine)
    return mine


def _best(program: Program, found: Weeks, places: range) -> int:
    """The place of the greatest sum, told to all ranks; of equal ones the first."""
    mine, best = np.zeros(1, PAIR), np.zeros(1, PAIR)
    mine[0] = -1, np.iinfo(np.intc).max  # a rank without a rho is never the best
    if len(found):
        first = int(found[:, 0].argmax())
        mine[0] = found[first, 0], places[first]
    pairs = [[mine, MPI.DOUBLE_INT], [best, MPI.DOUBLE_INT]]
    program.comm.Allreduce(*pairs, op=MPI.MAXLOC)
    return int(best["place"][0])


def _gathered(program: Program, found: Weeks, count: int) -> Weeks | None:
    """The sums of all rhos, in the grid's order, on rank 0."""
    hands = [deal(count, rank, program.size) for rank in range(program.size)]
    dealt = np.empty((count, 2), dtype=np.int64) if program.root else None
    program.comm.Gatherv(found, [dealt, [2 * len(h) for h in hands]] if program.root else None)
    if dealt is None:
        return None
    every = np.empty_like(dealt)
    every[[place for hand in hands for place in hand]] = dealt
    return every


if __name__ == "__main__":
    main(persistence_grid)
