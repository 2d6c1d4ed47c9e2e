"""Parts of one rank's array to all ranks, in their order.

mpiexec -n 3 python examples/mpi/scatter.py

Scatter wants as many elements for each rank; Scatterv takes a count for each, which the 10
numbers here need at 3 and 4 ranks.
"""

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()

even = np.arange(4 * size, dtype=float) if rank == 0 else None
mine = np.empty(4)
comm.Scatter(even, mine, root=0)
print(f"rank {rank}: Scatter {mine.tolist()}", flush=True)

counts = [10 // size + (r < 10 % size) for r in range(size)]
uneven = np.arange(10, dtype=float) if rank == 0 else None
part = np.empty(counts[rank])
comm.Scatterv([uneven, counts] if rank == 0 else None, part, root=0)
print(f"rank {rank}: Scatterv {part.tolist()}", flush=True)
