"""One program, many data: each rank takes its own branch of the same file.

mpiexec -n 3 python examples/mpi/spmd.py

With fewer ranks than branches the last ones are not taken, and nobody says so: as printed in the
notes that was silent too.
"""

from mpi4py import MPI

rank = MPI.COMM_WORLD.Get_rank()

a = 6.0
b = 3.0
if rank == 0:
    print(a + b, flush=True)
elif rank == 1:
    print(a * b, flush=True)
elif rank == 2:
    print(max(a, b), flush=True)
