"""Any Python object from one rank to another, by lower-case send and recv.

mpiexec -n 2 python examples/mpi/send_object.py

In the notes rank 2 received what rank 0 had sent to rank 1, so with two ranks nobody did, and
with three rank 2 waited for ever. Who receives is who it was sent to.
"""

from mpi4py import MPI

comm = MPI.COMM_WORLD
rank = comm.Get_rank()

if comm.Get_size() == 1:
    print("rank 0: nobody to send to; start two ranks", flush=True)
elif rank == 0:
    comm.send({"a": 7, "b": 3.14}, dest=1)
elif rank == 1:
    data = comm.recv(source=0)
    print(f"rank 1: {data}", flush=True)
