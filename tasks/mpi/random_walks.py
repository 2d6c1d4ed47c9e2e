"""Random walks: each rank takes some of them, rank 0 Gathers where they end.

    Mpi("random_walks", program="tasks/mpi/random_walks.py", ranks=2,
        input="SELECT walk FROM UNNEST(sequence(0, 9999)) AS t(walk)", produces=Walk,
        params={"steps": 100, "start": 100.0, "first": "zero"})

The input's column `walk` numbers the walks; their steps are N(0, 1), keyed by (seed, walk): no two
walks are alike, and none changes with the ranks. A row a walk, in the order of their numbers:

| column | meaning |
|---|---|
| `walk` | its number |
| `last` | where it is after its last step |
| `lowest`, `highest` | of all its places |
| `moves` | random steps that it took |

A walk has `steps` steps (100) from `start` (100.0) of deviation `sd` (1.0). With ``"first":
"zero"`` step 0 is zero, so that `last` is the sum of `start` and `steps` - 1 draws, and its
deviation over walks sqrt(99); with ``"drawn"`` it is one of `steps` draws, and the deviation 10.
`moves` says which. Facts: `mean` and `sd_last` over walks, `sd_expected`, `flop`, `compute_s`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tasks.mpi import sums
from tasks.mpi.draws import Draws
from tasks.mpi.program import Columns, Program, ProgramError, main
from tasks.mpi.split import counts, share


def random_walks(program: Program) -> Columns | None:
    """Walk."""
    program.known("steps", "start", "sd", "first")
    steps = program.param("steps", 100)
    moves = steps - (program.choice("first", "zero", "drawn") == "zero")
    if moves < 1:
        raise ProgramError(f"While walking, found steps={steps}. Take 2 at least.")
    walks = _walks(program) if program.root else np.empty(0, dtype=np.int64)
    count = program.comm.bcast(len(walks))
    sizes = counts(count, program.size)
    mine = np.empty(len(share(count, program.rank, program.size)), dtype=np.int64)
    program.comm.Scatterv([walks, sizes] if program.root else None, mine)
    with program.computing():
        told = _walked(program, mine, moves)
        every = np.empty((count, 3)) if program.root else None
        sizes = counts(count, program.size, 3)
        program.comm.Gatherv(told, [every, sizes] if program.root else None)
    if every is None:
        return None
    _note(program, every[:, 0], moves)
    return {
        "walk": walks, "last": every[:, 0], "lowest": every[:, 1], "highest": every[:, 2],
        "moves": np.full(count, moves),
    }  # fmt: skip


def _walks(program: Program) -> NDArray[np.int64]:
    from tasks.mpi import rows

    walks = rows.integers(program.input, "walk")
    found, times = np.unique(walks, return_counts=True)
    if len(found) < len(walks):
        raise ProgramError(
            f"While reading walks, found number {found[times > 1][0]} more than once. Walks of one "
            "number are one walk. Number them apart in the stage's SQL."
        )
    return found


def _walked(program: Program, walks: NDArray[np.int64], moves: int) -> NDArray[np.float64]:
    """Where each walk is last, lowest and highest."""
    start, sd = program.param("start", 100.0), program.param("sd", 1.0)
    told, draws = np.empty((len(walks), 3)), Draws(program.seed)
    for row, walk in enumerate(walks):
        places = start + np.cumsum(sd * draws.normals(int(walk), moves))
        told[row] = places[-1], min(start, places.min()), max(start, places.max())
    return told


def _note(program: Program, last: NDArray[np.float64], moves: int) -> None:
    start, sd = program.param("start", 100.0), program.param("sd", 1.0)
    away = last - start
    mean, spread = sums.mean_and_sd(len(last), away, away * away, start)
    program.note("mean", mean)
    program.note("sd_last", spread)
    program.note("sd_expected", sd * math.sqrt(moves))
    program.note("flop", 2 * moves * len(last))


if __name__ == "__main__":
    main(random_walks)
