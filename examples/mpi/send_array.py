"""A NumPy array from one rank to another, by upper-case Send and Recv.

mpiexec -n 2 python examples/mpi/send_array.py

The receiver brings the memory that it is to be written into, of the same type and length. The
notes' np.float has been gone from NumPy since 1.24; float is meant.
"""

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank = comm.Get_rank()

if comm.Get_size() == 1:
    print("rank 0: nobody to send to; start two ranks", flush=True)
elif rank == 0:
    comm.Send(np.arange(100, dtype=float), dest=1)
elif rank == 1:
    data = np.empty(100, dtype=float)
    comm.Recv(data, source=0)
    print(f"rank 1: {data.size} numbers, their sum is {data.sum()}", flush=True)
