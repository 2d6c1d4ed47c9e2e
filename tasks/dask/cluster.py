"""A Dask cluster for a program: ranks of its MPI job, or processes of this machine.

    mpiexec -n 4 python tasks/dask/trend.py …        python tasks/dask/trend.py …

    rank 0  scheduler                                LocalCluster: the scheduler in the program,
    rank 1  the program                              its workers beside it
    rank 2  nanny ── worker
    rank 3  nanny ── worker

Each worker has a nanny: one that dies or outgrows its memory is started anew, and Dask gives its
tasks to others. A task at which workers die three times ends the program with an error.

With ``HEADRACE_GPU=1`` the workers are dask-cuda's, one a GPU. That needs an image with RAPIDS,
which the lock beside this file does not have.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from typing import Any

import dask
from distributed import Client, LocalCluster

from tasks.dask.settings import Settings, SettingsError, of_environment

#: By them process managers tell a rank that it is one.
RANK = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")
START_S = 120  # that workers are given to come: a container's first import of pandas is slow
CONFIG = {
    # A task at which workers die is tried on so many more.
    "distributed.scheduler.allowed-failures": 2,
    # Nobody looks at the profile of a container's workers.
    "distributed.worker.profile.enabled": False,
}
#: The one setting by which Dask's own `from_…`, `read_…` and `ones` give CuPy and cuDF.
GPU_CONFIG = {"array.backend": "cupy", "dataframe.backend": "cudf"}


@contextlib.contextmanager
def cluster(settings: Settings | None = None) -> Iterator[Client]:
    """Start a cluster, give its client, and end all of it with the block.

    Under mpiexec the block is run by rank 1 alone: the others serve it and leave by SystemExit.

    Parameters
    ----------
    settings : Settings, optional
        The environment's where absent.

    Raises
    ------
    SettingsError
        Where there is too little memory, too few ranks, or no RAPIDS for GPUs.
    """
    given = settings or of_environment()
    dask.config.set(CONFIG | (GPU_CONFIG if given.gpu else {}))
    _hush()
    if given.gpu:
        _check_gpu()
    comm = _world()
    with _by_mpi(comm, given) if comm else _local(given) as client:
        yield client


def _world() -> Any:
    """MPI's communicator where this is one rank of many; else None."""
    if not any(name in os.environ for name in RANK):
        return None  # MPI isn't begun for nothing: a worker must not
    from mpi4py import MPI

    return MPI.COMM_WORLD if MPI.COMM_WORLD.Get_size() > 1 else None


@contextlib.contextmanager
def _by_mpi(comm: Any, given: Settings) -> Iterator[Client]:
    from dask_mpi import initialize, send_close_signal
    from mpi4py import MPI

    ranks, here = comm.Get_size(), comm.Split_type(MPI.COMM_TYPE_SHARED)
    if ranks < 3:
        raise SettingsError(
            f"While starting a cluster, found {ranks} ranks. One is the scheduler, one the "
            "program, the others workers. Start one more rank at least."
        )
    workers = here.allreduce(int(comm.Get_rank() >= 2))
    one_node = here.Get_size() == ranks
    with _folder() as folder:
        is_program = initialize(
            # On one node nobody else is to reach the scheduler, who does what it is told.
            interface=_loopback() if one_node else None,
            nthreads=given.threads,
            local_directory=folder,
            memory_limit=given.worker_mib(max(1, workers)) << 20,
            dashboard=False,
            dashboard_address=":0",
            protocol="tcp",
            worker_class="dask_cuda.CUDAWorker" if given.gpu else "distributed.Nanny",
            worker_options={"death_timeout": START_S},
            comm=comm,
            exit=False,
        )
    if not is_program:
        sys.exit()
    with Client() as client, _ending(comm):
        client.wait_for_workers(ranks - 2, timeout=START_S)
        yield client
        # A nanny whose worker is about to come would not hear of the end.
        client.wait_for_workers(ranks - 2, timeout=START_S)
    send_close_signal()


@contextlib.contextmanager
def _ending(comm: Any) -> Iterator[None]:
    """Where the program fails, end the other ranks: they serve it without an end.

    Under `boot` that is what it does, once it has noted why.
    """
    try:
        yield
    except Exception:
        if "BOOT_RANKS" not in os.environ:
            traceback.print_exc()
            sys.stderr.flush()
            comm.Abort(1)
        raise


@contextlib.contextmanager
def _local(given: Settings) -> Iterator[Client]:
    made, more = LocalCluster, {"n_workers": given.workers}
    if given.gpu:
        from dask_cuda import LocalCUDACluster

        made, more = LocalCUDACluster, {}  # a worker a GPU
    with (
        _folder() as folder,
        made(
            threads_per_worker=given.threads,
            memory_limit=given.worker_mib(given.workers) << 20,
            dashboard_address=None,
            local_directory=folder,
            **more,
        ) as started,
        Client(started) as client,
    ):
        client.wait_for_workers(len(started.workers), timeout=START_S)
        yield client


def _hush() -> None:
    """Have Dask log warnings alone, here and in the workers.

    A shuffle warns of its own begin and end; a worker that its nanny has just ended, at times,
    of a queue that is gone.
    """
    levels = {"distributed": "warning", "distributed.shuffle": "error"}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level.upper())
    levels["distributed.nanny"] = "critical"  # in the worker: the nanny's own process warns
    dask.config.set({"distributed.nanny.pre-spawn-environ.DASK_LOGGING": repr(levels)})


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    """A folder to spill to. A job's own is removed with it, however it ends."""
    with tempfile.TemporaryDirectory(
        prefix="dask-", dir=os.environ.get("BOOT_FOLDER"), ignore_cleanup_errors=True
    ) as folder:
        yield folder


def _loopback() -> str:
    import psutil

    for name, addresses in psutil.net_if_addrs().items():
        if any(each.address == "127.0.0.1" for each in addresses):
            return str(name)
    raise SettingsError(
        "While starting a cluster, found no interface with 127.0.0.1. Bring up the loopback one."
    )


def _check_gpu() -> None:
    try:
        import cudf  # noqa: F401
        import cupy  # noqa: F401
        import dask_cuda  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            f"While starting a cluster on GPUs, found no {error.name}. An image with RAPIDS has "
            "it. Name such a folder as the stage's image, or leave gpu=False."
        ) from error
