"""The health of many lives: z_t = rho z_(t-1) + (1 - rho) mu + e_t, and its moments.

    Mpi("health_index", program="tasks/mpi/health_index.py", ranks=2, input="s3://{lake}/files/shocks/",
        produces=Moments, params={"rho": 0.5, "mu": 3.0})

Lives (or their numbers, where shocks are drawn) are Scattered over ranks, each rank follows its
own, and what each life adds up to is Reduced. See `tasks.mpi.shocks` for the input. One row:

| column | meaning |
|---|---|
| `lives`, `weeks` | how many |
| `rho`, `mu` | the params |
| `mean`, `sd` | of z over all lives and weeks (ddof 0) |
| `first` | z of the first life in week 0 |
| `last` | z of the last life in the last week |

Params: `rho` (0.5), `mu` (3.0), `start` (what z is before week 0, by default mu), `sigma` (1.0),
`weeks` (4160, where shocks are drawn). Facts: `flop`, `bytes`, `compute_s`.
"""

from __future__ import annotations

import numpy as np

from tasks.mpi import shocks, sums
from tasks.mpi.kernels import moments
from tasks.mpi.program import Columns, Program, main
from tasks.mpi.split import share

#: z: a product and two sums. Its difference from mu, taken once, two sums and a product.
FLOP = 7


def health_index(program: Program) -> Columns | None:
    """Compute the moments."""
    program.known("rho", "mu", "start", *shocks.PARAMS)
    rho, mu = program.param("rho", 0.5), program.param("mu", 3.0)
    start = program.param("start", mu)
    given = shocks.source(program)
    mine = shocks.scattered(program, given)
    with program.computing():
        told = np.empty((len(mine), 4))
        moments(mine, rho, mu, start, told)
        places = share(given.lives, program.rank, program.size)
        whole = sums.reduced(program.comm, told, places, given.lives)
    if whole is None:
        return None
    values = given.lives * given.weeks
    program.note("flop", FLOP * values)
    program.note("bytes", 8 * values)
    mean, sd = sums.mean_and_sd(values, whole[:, 0], whole[:, 1], mu)
    return {
        "lives": [given.lives], "weeks": [given.weeks], "rho": [rho], "mu": [mu],
        "mean": [mean], "sd": [sd], "first": [whole[0, 2]], "last": [whole[-1, 3]],
    }  # fmt: skip


if __name__ == "__main__":
    main(health_index)
