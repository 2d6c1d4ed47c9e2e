"""All ranks' numbers to one number on one rank: pi by throwing darts.

mpiexec -n 4 python examples/mpi/reduce.py

Each rank throws every n-th of 100 hands of 10,000 darts, keyed by (seed, hand). With one seed for
all ranks each would throw the same darts, and the answer would be no better than one rank's. Hits
are whole numbers, so their sum is the same for any number of ranks; a Reduce of floats is not,
since its order of adding is not.
"""

import numpy as np
from mpi4py import MPI

SEED, HANDS, DARTS = 25, 100, 10_000
comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()

hits = np.zeros(1, dtype=np.int64)
for hand in range(rank, HANDS, size):
    key = np.array([SEED, hand], dtype=np.uint64)
    x, y = np.random.Generator(np.random.Philox(key=key)).random((2, DARTS))
    hits += np.count_nonzero(x * x + y * y < 1)
total = np.empty(1, dtype=np.int64)
comm.Reduce(hits, total, op=MPI.SUM, root=0)
if rank == 0:
    print(f"pi is about {4 * total[0] / (HANDS * DARTS)}", flush=True)
