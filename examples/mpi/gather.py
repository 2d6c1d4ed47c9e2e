"""All ranks' parts to one rank, in their order: Scatter's other way.

mpiexec -n 4 python examples/mpi/gather.py
"""

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()

mine = np.array([rank, rank**2], dtype=float)
whole = np.empty((size, 2)) if rank == 0 else None
comm.Gather(mine, whole, root=0)
if rank == 0:
    print(whole.tolist(), flush=True)
