"""A stage on GPUs, and the hosts of EC2 that have them.

Part of the vocabulary that ``headrace.study`` gives, as :mod:`headrace.task_stages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from headrace.checks import check, check_within
from headrace.task_stages import Size, check_task, container_size

#: What a host keeps of its memory for itself, near enough:
#: https://docs.aws.amazon.com/batch/latest/userguide/memory-management.html
_KEPT = 1 / 16


@dataclass(frozen=True)
class GpuHost:
    """An instance type with GPUs.

    Parameters
    ----------
    name : str
        As EC2 calls it.
    gpus, vcpus : int
        What it has.
    memory_mib : int
        What it has installed, in MiB; containers get a little less.
    usd_h : float
        USD an hour, on demand in us-east-1.
    """

    name: str
    gpus: int
    vcpus: int
    memory_mib: int
    usd_h: float

    @property
    def offered_mib(self) -> int:
        """MiB that containers can have."""
        return int(self.memory_mib * (1 - _KEPT))


#: The cheapest family, by price; jobs may get its sister g5 too, at up to twice that price. Sizes:
#: https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html. The prices are from memory: look
#: at https://aws.amazon.com/ec2/pricing/on-demand/ before relying on them.
GPU_HOSTS: tuple[GpuHost, ...] = (
    GpuHost("g4dn.xlarge", 1, 4, 16_384, 0.526),
    GpuHost("g4dn.2xlarge", 1, 8, 32_768, 0.752),
    GpuHost("g4dn.4xlarge", 1, 16, 65_536, 1.204),
    GpuHost("g4dn.8xlarge", 1, 32, 131_072, 2.176),
    GpuHost("g4dn.12xlarge", 4, 48, 196_608, 3.912),
    GpuHost("g4dn.16xlarge", 1, 64, 262_144, 4.352),
    GpuHost("g4dn.metal", 8, 96, 393_216, 7.824),
)


def gpu_host(gpus: int, size: Size, stage: str) -> GpuHost:
    """The cheapest host on which one container fits.

    Raises
    ------
    StudyError
        Where it fits on none.

    Examples
    --------
    >>> gpu_host(2, Size(4, 15_000), "x").name
    'g4dn.12xlarge'
    """
    for host in GPU_HOSTS:
        fits = host.vcpus >= size.vcpus and host.offered_mib >= size.memory_mib
        if fits and host.gpus >= gpus:
            return host
    most = GPU_HOSTS[-1]
    check(
        False,
        stage,
        f"{gpus} GPU(s), {size.vcpus:g} vCPUs and {size.memory_mib:,} MiB in one container, where "
        f"a host has at most {most.gpus} GPUs, {most.vcpus} vCPUs and {most.offered_mib:,} MiB",
        "Ask for less.",
    )
    raise AssertionError


@dataclass(frozen=True)
class Gpu:
    """A program on GPUs, in one container; the Parquet that it writes is a table.

    Where there are no GPUs (a laptop without one, an account without a quota) the same program
    gets none, and computes on the CPU.

    Parameters
    ----------
    name : str
        Name of the stage and of its table: lower-case letters, digits and underscores.
    program : str
        Path of a Python file, as ``"tasks/gpu/ndvi.py"``, which is called with
        ``--input URI --output URI --params JSON``.
    input : str
        SQL, the path of a ``.sql`` file in the study's folder, or an ``s3://`` prefix, in which
        ``{lake}`` stands for the lake's bucket. Of SQL the program gets Parquet, its rows in no
        order.
    produces : type
        A dataclass with the columns of the table.
    params : mapping
        What else the program gets; must be JSON.
    gpus : int
        GPUs that it gets for itself, 0 to 8.
    vcpus : float
        vCPUs beside them.
    memory_mib : int
        Memory in MiB; that of the GPUs comes with them.
    spot : bool
        Whether its host may be of EC2's spot market, which may be taken away, upon which it is
        tried again.
    tolerate : float
        Share of rows, 0 to 1, that may lack what they must have before the stage fails.
    timeout_s : int
        Seconds after which it is ended.
    image : str
        Folder of the Dockerfile, whose lock says the packages.
    """

    name: str
    program: str
    input: str
    produces: type
    params: Mapping[str, Any] = field(default_factory=dict)
    gpus: int = 1
    vcpus: float = 4
    memory_mib: int = 15_000
    spot: bool = True
    tolerate: float = 0.0
    timeout_s: int = 3600
    image: str = "tasks/gpu"

    def __post_init__(self) -> None:
        stage = f"the Gpu stage {self.name}"
        check_within(stage, (("gpus", self.gpus, 0, GPU_HOSTS[-1].gpus),))
        check_task(self, stage)
        if self.gpus:
            gpu_host(self.gpus, self.container, stage)

    @property
    def workers(self) -> int:
        """One: its container."""
        return 1

    @property
    def containers(self) -> int:
        """One."""
        return 1

    @property
    def is_fargate(self) -> bool:
        """Whether it runs on Fargate, which has no GPUs."""
        return not self.gpus and not self.spot

    @property
    def asked(self) -> Size:
        """What it is to have, before it is rounded up."""
        return Size(self.vcpus, self.memory_mib)

    @property
    def container(self) -> Size:
        """What it gets."""
        return container_size(self.asked, self.is_fargate, f"the Gpu stage {self.name}")

    def without_gpus(self) -> Gpu:
        """The same on CPUs."""
        return replace(self, gpus=0)
