"""The two shock matrices of the exercise, as files to be uploaded.

    python -m studies.health.shocks FOLDER
    headrace upload health shocks FOLDER/shocks-25.npy
    headrace upload health shocks-0 FOLDER/shocks-0.npy

Row t of a matrix is a week, column s a life. The numbers are those of ``numpy.random.seed(N)``
and ``scipy.stats.norm.rvs(size=(T, S))``: numpy keeps that generator's stream as it is for good
(https://numpy.org/doc/stable/reference/random/legacy.html), so the answers can be compared.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

WEEKS, LIVES = 4160, 1000
#: Of the health index, and of the persistence grid.
SEEDS = (25, 0)


def shocks(seed: int, weeks: int = WEEKS, lives: int = LIVES) -> npt.NDArray[np.float64]:
    """Draw a matrix of independent standard normal shocks.

    Parameters
    ----------
    seed : int
        As it would be given to ``numpy.random.seed``.
    weeks, lives : int

    Returns
    -------
    numpy.ndarray
        Of shape (weeks, lives).

    Examples
    --------
    >>> float(shocks(25)[0, 0].round(10))
    0.2282730897
    """
    state = np.random.RandomState(seed)  # the global one's own generator, without the global
    drawn: npt.NDArray[np.float64] = stats.norm.rvs(size=(weeks, lives), random_state=state)
    return drawn


def main() -> int:
    """Write both matrices to the folder that is named."""
    if len(sys.argv) != 2:
        print("usage: python -m studies.health.shocks FOLDER", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for seed in SEEDS:
            np.save(folder / f"shocks-{seed}.npy", shocks(seed))
    except OSError as error:
        print(f"headrace: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
