"""Random numbers that belong to items, not to ranks.

Philox is a function from a key and a counter to numbers (Salmon et al. 2011, Parallel random
numbers: as easy as 1, 2, 3). The key is (seed, item) and the counter the draw's place in the
item's own row, so an item draws the same numbers whichever rank has it and whatever was drawn
before. NumPy keeps to one stream within a version alone (NEP 19): the image's lock holds it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_WORD = 2**64 - 1


class Draws:
    """Draws of a seed; one generator for all items, since making one costs as much as 2,000 draws.

    Parameters
    ----------
    seed : int
        The study's.
    """

    def __init__(self, seed: int) -> None:
        self.philox = np.random.Philox(key=np.array([seed & _WORD, 0], dtype=np.uint64))
        self.generator = np.random.Generator(self.philox)
        self.state: Any = self.philox.state

    def normals(self, item: int, count: int) -> NDArray[np.float64]:
        """Draw an item's first `count` numbers of N(0, 1)."""
        self.state["state"]["key"][1] = item & _WORD
        self.philox.state = self.state
        return self.generator.standard_normal(count)
