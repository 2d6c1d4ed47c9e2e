"""Every rank says hello: the notes' first MPI listing.

mpiexec -n 4 python examples/mpi/hello_world.py

Lines come in any order: nobody waits for anybody.
"""

from mpi4py import MPI

comm = MPI.COMM_WORLD  # all ranks
rank = comm.Get_rank()  # each has its own number
size = comm.Get_size()  # and knows how many there are

print(f"Hello World from rank {rank} out of {size} processors.", flush=True)
