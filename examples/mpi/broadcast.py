"""One rank's data to all: Bcast for arrays, bcast for any object.

mpiexec -n 4 python examples/mpi/broadcast.py

Bcast sends the array's own memory; bcast pickles, sends, and unpickles. Both go down a tree, so
that 16 ranks take four steps and not fifteen. How much slower bcast is, the last
rank says.
"""

import time

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()

numbers = np.arange(100, dtype="i") if rank == 0 else np.empty(100, dtype="i")
comm.Bcast(numbers, root=0)
words = comm.bcast({"mu": 3.0, "rho": 0.5} if rank == 0 else None, root=0)
print(f"rank {rank}: {numbers.sum()} {words}", flush=True)

large = np.ones(1_000_000) if rank == 0 else np.empty(1_000_000)
comm.Barrier()
started = time.perf_counter()
comm.Bcast(large, root=0)
comm.Barrier()
buffer_s = time.perf_counter() - started
copied = comm.bcast(large if rank == 0 else None, root=0)
comm.Barrier()
object_s = time.perf_counter() - started - buffer_s
if rank == size - 1:
    same = np.array_equal(large, copied)
    print(f"8 MB: Bcast {buffer_s * 1e3:.1f} ms, bcast {object_s * 1e3:.1f} ms, same: {same}")
