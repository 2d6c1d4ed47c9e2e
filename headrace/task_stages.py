"""The stages that run as programs in containers of AWS Batch, and the sizes of containers.

Part of the vocabulary that ``headrace.study`` gives: frozen dataclasses that know nothing of AWS
but what it sells. Those with images of their own kind are in :mod:`headrace.gpu_stage` and
:mod:`headrace.dask_stage`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from headrace.checks import (
    check,
    check_json,
    check_program,
    check_table_stage,
    check_within,
)

#: Fargate's sizes: vCPUs, and the MiB of memory that go with them.
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
FARGATE: tuple[tuple[float, tuple[int, ...]], ...] = (
    (0.25, (512, 1024, 2048)),
    (0.5, (1024, 2048, 3072, 4096)),
    (1, tuple(range(2048, 8193, 1024))),
    (2, tuple(range(4096, 16_385, 1024))),
    (4, tuple(range(8192, 30_721, 1024))),
    (8, tuple(range(16_384, 61_441, 4096))),
    (16, tuple(range(32_768, 122_881, 8192))),
)
#: Copies of an array job: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
MOST_COPIES = 10_000
#: Nodes of a job: https://docs.aws.amazon.com/batch/latest/userguide/mnp-node-groups.html
MOST_NODES = 1000
#: Seconds that a job may be given: from Batch's least, to two weeks, after which Fargate may end
#: it: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
LEAST_S, MOST_S = 60, 14 * 86_400
#: EC2's largest hosts, near enough; Batch itself says where a job fits on none.
_MOST_VCPUS, _MOST_MIB = 1024, 32 << 20


@dataclass(frozen=True)
class Size:
    """What a container is given: vCPUs, and MiB of memory."""

    vcpus: float
    memory_mib: int


def fargate_size(vcpus: float, memory_mib: int, stage: str) -> Size:
    """The smallest size of Fargate that has what is asked for.

    Raises
    ------
    StudyError
        Where it has none.

    Examples
    --------
    >>> fargate_size(3, 2048, "x")
    Size(vcpus=4, memory_mib=8192)
    """
    most_vcpus, most_mib = FARGATE[-1][0], FARGATE[-1][1][-1]
    check(
        vcpus <= most_vcpus and memory_mib <= most_mib,
        stage,
        f"{vcpus:g} vCPUs and {memory_mib:,} MiB in one container, where Fargate has at most "
        f"{most_vcpus:g} vCPUs and {most_mib:,} MiB",
        "Ask for less, or spread it: `nodes` of an Mpi or Dask stage, `size` or `spot` of a "
        "Batch stage.",
    )
    sizes = ((v, m) for v, each in FARGATE if v >= vcpus for m in each if m >= memory_mib)
    return Size(*next(sizes))


@dataclass(frozen=True)
class Mpi:
    """A program of many ranks that talk by MPI; the Parquet that rank 0 writes is a table.

    Parameters
    ----------
    name : str
        Name of the stage and of its table: lower-case letters, digits and underscores.
    program : str
        Path of a Python file, as ``"tasks/mpi/persistence_grid.py"``. Every rank is called with
        ``--input URI --output URI --params JSON``.
    input : str
        SQL, the path of a ``.sql`` file in the study's folder, or an ``s3://`` prefix, in which
        ``{lake}`` stands for the lake's bucket. Of SQL the program gets Parquet, its rows in no
        order.
    produces : type
        A dataclass with the columns of the table.
    ranks : int
        Processes, spread evenly over the nodes.
    nodes : int
        1 is one container of Fargate; more are hosts of EC2, on demand.
    params : mapping
        What else the program gets; must be JSON.
    vcpus : float, optional
        vCPUs of one node; as many as it has ranks if not given.
    memory_mib : int
        Memory of one node, in MiB.
    tolerate : float
        Share of rows, 0 to 1, that may lack what they must have before the stage fails.
    timeout_s : int
        Seconds after which all ranks are ended.
    image : str
        Folder of the Dockerfile, whose lock says the packages.

    Notes
    -----
    What is asked of Fargate is rounded up to the next of its sizes [1]_: 3 vCPUs are 4, and have
    8,192 MiB at the least. EC2 gives whole vCPUs.

    References
    ----------
    .. [1] https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
    """

    name: str
    program: str
    input: str
    produces: type
    ranks: int = 2
    nodes: int = 1
    params: Mapping[str, Any] = field(default_factory=dict)
    vcpus: float | None = None
    memory_mib: int = 2048
    tolerate: float = 0.0
    timeout_s: int = 3600
    image: str = "tasks/mpi"

    def __post_init__(self) -> None:
        stage = f"the Mpi stage {self.name}"
        check_within(stage, (("nodes", self.nodes, 1, MOST_NODES),))
        check_within(stage, (("ranks", self.ranks, 1, 100_000),))
        check(
            self.ranks % self.nodes == 0,
            stage,
            f"{self.ranks} ranks on {self.nodes} nodes, which aren't as many on each",
            f"Give a multiple of {self.nodes} as ranks.",
        )
        check_task(self, stage)

    @property
    def workers(self) -> int:
        """Its ranks."""
        return self.ranks

    @property
    def containers(self) -> int:
        """Its nodes."""
        return self.nodes

    @property
    def gpus(self) -> int:
        """None: a Gpu stage has them."""
        return 0

    @property
    def is_fargate(self) -> bool:
        """Whether one container of Fargate is all of it."""
        return self.nodes == 1

    @property
    def asked(self) -> Size:
        """What one node is to have, before it is rounded up."""
        each = self.ranks // self.nodes
        return Size(each if self.vcpus is None else self.vcpus, self.memory_mib)

    @property
    def container(self) -> Size:
        """What one node gets."""
        return container_size(self.asked, self.is_fargate, f"the Mpi stage {self.name}")

    def at(self, workers: int) -> Mpi:
        """The same with another number of ranks; each keeps its share of vCPUs."""
        vcpus = None if self.vcpus is None else self.vcpus * workers / self.ranks
        return replace(self, ranks=workers, vcpus=vcpus)


@dataclass(frozen=True)
class Batch:
    """Copies of a program that each do their share alone; the Parquet that they write is a table.

    Parameters
    ----------
    name : str
        Name of the stage and of its table: lower-case letters, digits and underscores.
    program : str
        Path of a Python file, as ``"tasks/mpi/simulate.py"``, which is called with
        ``--input URI --output URI --params JSON``. A copy's number is in
        ``AWS_BATCH_JOB_ARRAY_INDEX`` (none, that is 0, where there is one copy), how many there
        are in ``HEADRACE_WORKERS``.
    input : str
        SQL, the path of a ``.sql`` file in the study's folder, or an ``s3://`` prefix, in which
        ``{lake}`` stands for the lake's bucket. Of SQL the program gets Parquet, its rows in no
        order.
    produces : type
        A dataclass with the columns of the table.
    size : int
        Copies; an array job where there is more than one.
    params : mapping
        What else the program gets; must be JSON.
    vcpus : float
        vCPUs of a copy.
    memory_mib : int
        Memory of a copy, in MiB.
    spot : bool
        Whether it runs on hosts of EC2's spot market, which may be taken away, upon which a copy
        is tried again; else on Fargate.
    tolerate : float
        Share of rows, 0 to 1, that may lack what they must have before the stage fails.
    timeout_s : int
        Seconds after which a copy is ended.
    image : str
        Folder of the Dockerfile, whose lock says the packages.

    Notes
    -----
    What is asked of Fargate is rounded up to the next of its sizes [1]_; EC2 gives whole vCPUs.

    References
    ----------
    .. [1] https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
    """

    name: str
    program: str
    input: str
    produces: type
    size: int = 1
    params: Mapping[str, Any] = field(default_factory=dict)
    vcpus: float = 1
    memory_mib: int = 2048
    spot: bool = True
    tolerate: float = 0.0
    timeout_s: int = 3600
    image: str = "tasks/mpi"

    def __post_init__(self) -> None:
        stage = f"the Batch stage {self.name}"
        check_within(stage, (("size", self.size, 1, MOST_COPIES),))
        check_task(self, stage)

    @property
    def workers(self) -> int:
        """Its copies."""
        return self.size

    @property
    def containers(self) -> int:
        """Its copies."""
        return self.size

    @property
    def gpus(self) -> int:
        """None: a Gpu stage has them."""
        return 0

    @property
    def is_fargate(self) -> bool:
        """Whether it runs on Fargate."""
        return not self.spot

    @property
    def asked(self) -> Size:
        """What a copy is to have, before it is rounded up."""
        return Size(self.vcpus, self.memory_mib)

    @property
    def container(self) -> Size:
        """What a copy gets."""
        return container_size(self.asked, self.is_fargate, f"the Batch stage {self.name}")

    def at(self, workers: int) -> Batch:
        """The same with another number of copies."""
        return replace(self, size=workers)


def check_task(task: Any, stage: str) -> None:
    """Raise a StudyError unless a stage in containers says what can be run."""
    check_table_stage(task.name, task.produces, stage)
    check_program(task.program, "program", stage, "tasks")
    check_json(task.params, stage)
    check(
        re.fullmatch(r"tasks/[a-z][a-z0-9_-]{0,29}", task.image) is not None,
        stage,
        f"image {task.image!r}",
        'Name the folder of a Dockerfile, as "tasks/mpi".',
    )
    limits = (
        ("vcpus", task.asked.vcpus, 0.25, _MOST_VCPUS),
        ("memory_mib", task.memory_mib, 4, _MOST_MIB),  # 4: Batch's own least
        ("tolerate", task.tolerate, 0, 1),
        ("timeout_s", task.timeout_s, LEAST_S, MOST_S),
    )
    check_within(stage, limits)
    assert task.container  # noqa: S101 - for what it raises


def container_size(asked: Size, fargate: bool, stage: str) -> Size:
    """What a container gets that asks for so much: EC2 gives whole vCPUs, Fargate its sizes."""
    if fargate:
        return fargate_size(asked.vcpus, asked.memory_mib, stage)
    return Size(math.ceil(asked.vcpus), asked.memory_mib)
