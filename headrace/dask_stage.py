"""A stage on a Dask cluster, which is an MPI job while it runs.

Part of the vocabulary that ``headrace.study`` gives, as :mod:`headrace.task_stages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from headrace.checks import check, check_within
from headrace.gpu_stage import GPU_HOSTS, gpu_host
from headrace.task_stages import MOST_NODES, Size, check_task, container_size

#: Ranks that are no worker: the scheduler, and the program. https://mpi.dask.org/en/latest/
BESIDE = 2
#: Workers that one scheduler serves well; its work for each task is some 200 us:
#: https://docs.dask.org/en/stable/best-practices.html#avoid-very-large-graphs
MOST_WORKERS = 1000


@dataclass(frozen=True)
class Dask:
    """A program on a Dask cluster of its own; the Parquet that it writes is a table.

    Parameters
    ----------
    name : str
        Name of the stage and of its table: lower-case letters, digits and underscores.
    program : str
        Path of a Python file, as ``"tasks/dask/trend.py"``, which is called with
        ``--input URI --output URI --params JSON``.
    input : str
        SQL, the path of a ``.sql`` file in the study's folder, or an ``s3://`` prefix, in which
        ``{lake}`` stands for the lake's bucket. Of SQL the program gets Parquet, its rows in no
        order.
    produces : type
        A dataclass with the columns of the table.
    workers : int
        Worker processes. The scheduler and the program are two ranks more, and all of them are
        spread evenly over the nodes.
    nodes : int
        1 is one container of Fargate; more are hosts of EC2, on demand.
    threads : int
        Threads of each worker.
    params : mapping
        What else the program gets; must be JSON.
    vcpus : float, optional
        vCPUs of one node; one a thread of its workers if not given.
    memory_mib : int
        Memory of one node, in MiB. Its workers share what the scheduler and the program leave,
        and spill to disk before that is full.
    gpu : bool
        Whether arrays and dataframes lie on GPUs, one a worker, in one container of EC2, on
        demand. Needs an ``image`` with RAPIDS. Where there are no GPUs, they lie in memory.
    tolerate : float
        Share of rows, 0 to 1, that may lack what they must have before the stage fails.
    timeout_s : int
        Seconds after which all of it is ended.
    image : str
        Folder of the Dockerfile, whose lock says the packages.

    Notes
    -----
    What is asked of Fargate is rounded up to the next of its sizes, as an Mpi stage's.
    """

    name: str
    program: str
    input: str
    produces: type
    workers: int = 2
    nodes: int = 1
    threads: int = 1
    params: Mapping[str, Any] = field(default_factory=dict)
    vcpus: float | None = None
    memory_mib: int = 4096
    gpu: bool = False
    tolerate: float = 0.0
    timeout_s: int = 3600
    image: str = "tasks/dask"

    def __post_init__(self) -> None:
        stage = f"the Dask stage {self.name}"
        limits = (
            ("workers", self.workers, 1, MOST_WORKERS),
            ("nodes", self.nodes, 1, MOST_NODES),
            ("threads", self.threads, 1, 1024),
        )
        check_within(stage, limits)
        check(
            self.ranks % self.nodes == 0,
            stage,
            f"{self.ranks} ranks ({self.workers} workers, the scheduler and the program) on "
            f"{self.nodes} nodes, which aren't as many on each",
            f"Give workers that with {BESIDE} more are a multiple of {self.nodes}.",
        )
        self._check_gpus(stage)
        check_task(self, stage)

    def _check_gpus(self, stage: str) -> None:
        if not self.gpu:
            return
        check(self.nodes == 1, stage, f"gpu=True on {self.nodes} nodes", "Give one node.")
        most = GPU_HOSTS[-1].gpus
        check(
            self.workers <= most,
            stage,
            f"a GPU for each of {self.workers} workers, where a host has at most {most}",
            "Give fewer workers.",
        )
        gpu_host(self.gpus, self.container, stage)

    @property
    def ranks(self) -> int:
        """Processes of its MPI job."""
        return self.workers + BESIDE

    @property
    def containers(self) -> int:
        """Its nodes."""
        return self.nodes

    @property
    def gpus(self) -> int:
        """GPUs of its container."""
        return self.workers if self.gpu else 0

    @property
    def is_fargate(self) -> bool:
        """Whether one container of Fargate is all of it."""
        return self.nodes == 1 and not self.gpu

    @property
    def asked(self) -> Size:
        """What one node is to have, before it is rounded up."""
        # The scheduler and the program mostly wait; vCPUs may be parts of one.
        each = max(0.25, self.workers * self.threads / self.nodes)
        return Size(each if self.vcpus is None else self.vcpus, self.memory_mib)

    @property
    def container(self) -> Size:
        """What one node gets."""
        return container_size(self.asked, self.is_fargate, f"the Dask stage {self.name}")

    def at(self, workers: int) -> Dask:
        """The same with another number of workers; each keeps its share of vCPUs."""
        vcpus = None if self.vcpus is None else self.vcpus * workers / self.workers
        return replace(self, workers=workers, vcpus=vcpus)

    def without_gpus(self) -> Dask:
        """The same with arrays and dataframes in memory."""
        return replace(self, gpu=False)
