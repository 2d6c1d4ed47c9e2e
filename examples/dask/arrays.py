"""Arrays in chunks: the notes' NumPy listing by Dask.

    python examples/dask/arrays.py

As printed it printed the graph, not the numbers: nothing is computed before ``compute()``. And
the sum over an axis was computed and thrown away.
"""

import dask.array as da
import numpy as np


def same_as_numpy():
    """``x + x.T - x.mean(axis=0)``, by NumPy and in 16 chunks."""
    x = np.ones((1000, 1000))
    chunked = da.ones((1000, 1000), chunks=(250, 250))
    lazy = chunked + chunked.T - chunked.mean(axis=0)
    return x + x.T - x.mean(axis=0), lazy, lazy.compute()


def sums():
    """A sum over all of 3 chunks, one along an axis of 9, and the chunks of both."""
    x = da.ones(15, chunks=(5,))
    y = da.ones((15, 15), chunks=(5, 5))
    return x.numblocks, x.sum().compute(), y.numblocks, y.sum(axis=0).compute()


if __name__ == "__main__":
    expected, graph, found = same_as_numpy()
    print(graph)
    print(found, (found == expected).all())
    print(*sums(), sep="\n")
