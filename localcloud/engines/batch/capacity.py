"""Where a job fits: the environments of its queue, their hosts, and this machine's memory and GPUs.

vCPUs are counted, not measured: jobs share this machine's cores, as many as its environments
let run. Memory and GPUs aren't shared, so that all jobs together ask for no more than the machine
offers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from localcloud.engines.batch import fargate
from localcloud.engines.batch.demands import Demand
from localcloud.engines.batch.jobs import Job

MIB = 1 << 20

#: What a host keeps for itself. https://docs.aws.amazon.com/batch/latest/userguide/
#: memory-management.html: less is registered than is installed (7,985 of 8,192 MiB, and 32 for
#: the agent, of an m4.large); newer instances register some 6 % less.
KEPT = 1 / 16

#: Batch's own choices, as families: https://aws.amazon.com/blogs/hpc/
#: introducing-default-instance-categories-for-aws-batch/. The newer two change with time.
CHOICES = {
    "optimal": ("c4", "m4", "r4"),
    "default_x86_64": ("c6i", "m6i", "r6i"),
    "default_arm64": ("c6g", "m6g", "r6g"),
}

#: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html
NO_VCPUS = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue "
    "cannot meet the CPU requirement of the job"
)
NO_HOST = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) "
    "is higher than that can be met by the CE(s) attached to the job queue"
)
NO_ENVIRONMENT = (
    "ACTION_REQUIRED - CE(s) associated with the job queue are invalid: none is ENABLED"
)
BUSY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"


@dataclass(frozen=True)
class Host:
    """What one host offers to containers."""

    vcpus: float
    memory_mib: int
    gpus: int = 0

    def has(self, demand: Demand) -> bool:
        """Whether a container fits on it."""
        enough = self.vcpus >= demand.vcpus and self.memory_mib >= demand.memory_mib
        return enough and self.gpus >= demand.gpus


@dataclass(frozen=True)
class Held:
    """What one job holds, of an environment and of this machine."""

    environment: str
    vcpus: float
    memory_mib: int
    gpus: tuple[str, ...]


def machine_mib() -> int:
    """The MiB that this machine offers to all jobs."""
    total = int(psutil.virtual_memory().total)
    for told in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        if Path(told).exists() and (text := Path(told).read_text().strip()).isdecimal():
            total = min(total, int(text))
    return int(total * (1 - KEPT)) // MIB


def hosts(resources: dict[str, Any]) -> list[Host]:
    """The hosts that an environment can have."""
    if resources["type"].startswith("FARGATE"):
        return [Host(fargate.LARGEST_VCPUS, fargate.LARGEST_MIB)]
    return [host for name in resources.get("instanceTypes") or [] for host in _instances(name)]


@cache
def _instances(name: str) -> tuple[Host, ...]:
    """Those of an instance type, of a family, or of one of Batch's own choices."""
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    families = CHOICES.get(name, (name,))
    found = [told for kind, told in INSTANCE_TYPES.items() if kind == name]
    found = found or [t for k, t in INSTANCE_TYPES.items() if k.split(".")[0] in families]
    return tuple(
        Host(
            each["VCpuInfo"]["DefaultVCpus"],
            int(each["MemoryInfo"]["SizeInMiB"] * (1 - KEPT)),
            sum(gpu["Count"] for gpu in each.get("GpuInfo", {}).get("Gpus", ())),
        )
        for each in found
    )


class Capacity:
    """What is held by the jobs that run.

    Parameters
    ----------
    memory_mib : int
        What this machine offers.
    hosts : callable
        The hosts of an environment's computeResources.
    gpus : sequence of str
        Ids of the GPUs that this machine has.
    """

    def __init__(
        self,
        memory_mib: int,
        hosts: Callable[[dict[str, Any]], list[Host]] = hosts,
        gpus: Sequence[str] = (),
    ) -> None:
        self.memory_mib, self._hosts = memory_mib, hosts
        self.gpus = tuple(gpus)
        self._held: dict[str, Held] = {}

    def release(self, job: Job) -> None:
        """Give back what a job holds."""
        self._held.pop(job.id, None)

    def place(self, job: Job, environments: list[Any]) -> tuple[Any, str]:
        """Put a job on the first environment where it fits; else say why it waits.

        Parameters
        ----------
        environments : list
            moto's, in the queue's order.

        Returns
        -------
        environment or None
        str
        """
        usable = [each for each in environments if each.state == "ENABLED"]
        usable = [each for each in usable if fits_kind(job, each.compute_resources["type"])]
        if not usable:
            return None, NO_ENVIRONMENT
        reasons = []
        for environment in usable:
            reason = self._never(job, environment) or self._busy(job, environment)
            if not reason:
                self._hold(job, environment)
                return environment, ""
            reasons.append(reason)
        return None, next((each for each in reasons if each.startswith(BUSY)), reasons[0])

    def _hold(self, job: Job, environment: Any) -> None:
        """Have a job hold what it asks for; each container gets GPUs of its own."""
        free, asked = iter(self._free_gpus()), job.demands()
        job.gpus = [tuple(next(free) for _ in range(each.gpus)) for each in asked]
        all_gpus = tuple(gpu for each in job.gpus for gpu in each)
        vcpus, memory = sum(each.vcpus for each in asked), sum(each.memory_mib for each in asked)
        self._held[job.id] = Held(environment.arn, vcpus, memory, all_gpus)

    def _free_gpus(self) -> list[str]:
        held = {gpu for each in self._held.values() for gpu in each.gpus}
        return [gpu for gpu in self.gpus if gpu not in held]

    def _never(self, job: Job, environment: Any) -> str:
        """Why a job will never fit an environment."""
        asked, resources = job.demands(), environment.compute_resources
        vcpus, most = sum(each.vcpus for each in asked), int(resources["maxvCpus"])
        if vcpus > most:
            return f"{NO_VCPUS}: asks {vcpus:g} vCPUs, {environment.name} has at most {most}"
        found = self._hosts(resources) or [Host(0, 0)]
        for each in asked:
            if not any(host.has(each) for host in found):
                return f"{NO_HOST}: asks {_short(each, found)}"
        return self._beyond_machine(asked)

    def _beyond_machine(self, asked: Sequence[Demand]) -> str:
        """Why this machine never has so much."""
        nodes = f" on {len(asked)} nodes" if len(asked) > 1 else ""
        total, gpus = sum(each.memory_mib for each in asked), sum(each.gpus for each in asked)
        if total > self.memory_mib:
            told = f"{total:,} MB{nodes}, the largest host offers {self.memory_mib:,}"
        elif gpus > len(self.gpus):
            told = f"{_gpus(gpus)}{nodes}, the largest host offers {len(self.gpus)}"
        else:
            return ""
        return f"{NO_HOST}: asks {told} (this machine)"

    def _busy(self, job: Job, environment: Any) -> str:
        """Why a job doesn't fit now."""
        asked, held = job.demands(), self._held.values()
        vcpus, memory = sum(each.vcpus for each in asked), sum(each.memory_mib for each in asked)
        most = int(environment.compute_resources["maxvCpus"])
        cores = most - sum(h.vcpus for h in held if h.environment == environment.arn)
        if vcpus > cores:
            return f"{BUSY} - asks {vcpus:g} vCPUs, {cores:g} of {environment.name} are free"
        free = self.memory_mib - sum(h.memory_mib for h in held)
        if memory > free:
            return f"{BUSY} - asks {memory:,} MB, {free:,} of this machine are free"
        gpus, idle = sum(each.gpus for each in asked), len(self._free_gpus())
        if gpus > idle:
            return f"{BUSY} - asks {_gpus(gpus)}, {idle} of this machine are free"
        return ""


def _short(demand: Demand, hosts: Iterable[Host]) -> str:
    """What no host has of what a container asks for."""
    cores, memory = max(h.vcpus for h in hosts), max(h.memory_mib for h in hosts)
    gpus = max(h.gpus for h in hosts)
    if demand.gpus > gpus:
        return f"{_gpus(demand.gpus)}, the largest host offers {gpus}"
    if demand.memory_mib > memory or demand.vcpus <= cores:
        return f"{demand.memory_mib:,} MB, the largest host offers {memory:,}"
    return f"{demand.vcpus:g} vCPUs, the largest host offers {cores:g}"


def _gpus(count: int) -> str:
    return f"{count} GPU" if count == 1 else f"{count} GPUs"


def fits_kind(job: Job, kind: str) -> bool:
    """Whether a job can run in environments of a type.

    https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html: nodes are
    not Fargate's, nor Spot's.
    """
    if job.nodes:
        return kind == "EC2"
    return kind.startswith("FARGATE") == job.definition.on_fargate
