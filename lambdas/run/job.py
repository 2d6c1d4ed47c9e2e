"""The job of a stage in containers: what AWS Batch is to run, and in what size.

A run may ask for another number of workers than the study says; a node's vCPUs then grow or
shrink with its ranks, and are rounded anew.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Characters of JSON by which one job may differ from its definition, which ECS is given:
#: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
MOST_CHARACTERS = 8192
#: Of them those that Batch's own variables take, at most.
BATCH_CHARACTERS = 1000

#: vCPUs, and the MiB of memory that go with them: `fargate` of the deployed plan.
Sizes = Sequence[tuple[float, Sequence[int]]]
#: Name, GPUs, vCPUs, MiB of memory and USD an hour, by price: `gpu_hosts` of the deployed plan.
Hosts = Sequence[tuple[str, int, float, int, float]]

#: Of kinds that run under mpiexec, the ranks that there are beside the workers: of Dask's the
#: scheduler and the program.
BESIDE = {"mpi": 0, "dask": 2}


class JobError(RuntimeError):
    """A stage can't be given to AWS Batch as it was asked for."""


@dataclass(frozen=True)
class Job:
    """What a stage's job is made of.

    Parameters
    ----------
    stage : mapping
        From the deployed plan.
    name : str
        What Batch calls the job.
    uri : str
        ``s3://`` prefix of the try.
    source : str
        ``s3://`` prefix of what is read.
    archive : str
        URI of its program's archive.
    seed, workers : int
        Of the study, and its ranks or copies.
    sizes : sequence
        Fargate's.
    hosts : sequence
        EC2's with GPUs.
    """

    stage: Mapping[str, Any]
    name: str
    uri: str
    source: str
    archive: str
    seed: int
    workers: int
    sizes: Sizes
    hosts: Hosts = ()

    def told(self) -> dict[str, Any]:
        """The job as the state machine hands it on.

        Raises
        ------
        JobError
            Where no container or host is large enough, or the words are more than ECS takes.
        """
        told = {
            "command": self._command(),
            "environment": [
                {"Name": name, "Value": value} for name, value in self._environment().items()
            ],
            "resources": self._resources(),
        }
        characters = len(json.dumps(told))
        if characters > (most := MOST_CHARACTERS - BATCH_CHARACTERS):
            raise JobError(
                f"{self._doing}, found {characters:,} characters of arguments, where a job takes "
                f"{most:,}. Put long params into a file or a table that the program reads."
            )
        return {"name": self.name, "workers": self.workers, **told}

    def size(self) -> tuple[float, int]:
        """What each container gets: vCPUs and MiB.

        Raises
        ------
        JobError
            Where Fargate has none as large.
        """
        asked = self.stage["asked"]
        vcpus, memory = asked["vcpus"], asked["memory_mib"]
        if self.stage["kind"] in BESIDE:
            vcpus = vcpus * self.workers / self.stage["workers"]
        if self.stage["platform"] == "EC2":
            return math.ceil(vcpus), memory
        for has, sizes in self.sizes:
            for mib in sizes:
                if has >= vcpus and mib >= memory:
                    return has, mib
        raise JobError(
            f"{self._doing}, found {vcpus:g} vCPUs and {memory:,} MiB for {self.workers} workers, "
            f"where Fargate has at most {self.sizes[-1][0]:g} vCPUs and "
            f"{self.sizes[-1][1][-1]:,} MiB. Ask for fewer, or give the stage more nodes."
        )

    def gpus(self) -> int:
        """GPUs of each container; of Dask's one a worker."""
        told: int = self.stage.get("gpus", 0)
        return self.workers if told and self.stage["kind"] == "dask" else told

    def container(self) -> dict[str, Any]:
        """What will be paid for: how many containers, where, and of which size."""
        count = self.stage.get("nodes", self.workers)
        vcpus, memory = self.size()
        told = {"platform": self.stage["platform"], "count": count}
        told |= {"vcpus": vcpus, "memory_mib": memory}
        if not self.gpus():
            return told
        name, usd_h = self._host()
        return told | {"gpus": self.gpus(), "host": name, "usd_h": usd_h}

    @property
    def _doing(self) -> str:
        return f"While preparing the job of stage {self.stage['name']}"

    def _host(self) -> tuple[str, float]:
        """The cheapest host with GPUs on which a container fits, and USD an hour."""
        vcpus, memory = self.size()
        for name, gpus, has, mib, usd_h in self.hosts:
            if gpus >= self.gpus() and has >= vcpus and mib >= memory:
                return name, usd_h
        _, gpus, has, mib, _ = self.hosts[-1]
        raise JobError(
            f"{self._doing}, found {self.gpus()} GPUs, {vcpus:g} vCPUs and {memory:,} MiB for "
            f"{self.workers} workers, where a host has at most {gpus} GPUs, {has:g} vCPUs and "
            f"{mib:,} MiB. Ask for fewer."
        )

    def _resources(self) -> list[dict[str, str]]:
        vcpus, memory = self.size()
        told = {"VCPU": f"{vcpus:g}", "MEMORY": str(memory)}
        told |= {"GPU": str(self.gpus())} if self.gpus() else {}
        return [{"Type": kind, "Value": value} for kind, value in told.items()]

    def _environment(self) -> dict[str, str]:
        told = {"HEADRACE_SEED": str(self.seed), "HEADRACE_WORKERS": str(self.workers)}
        if self.stage["kind"] == "dask":
            told["HEADRACE_THREADS"] = str(self.stage["threads"])
            told["HEADRACE_MEMORY_MIB"] = str(self.size()[1])
            told["HEADRACE_GPU"] = "1" if self.gpus() else "0"
        return told

    def _command(self) -> list[str]:
        """The arguments of `boot`, which every image begins with."""
        words = ["--program", self.archive, "--main", self.stage["program"]]
        if self.stage["kind"] in BESIDE:
            words += ["--ranks", str(self.workers + BESIDE[self.stage["kind"]])]
        words += ["--timeout-s", str(self.stage["timeout_s"])]
        words += ["--input", self.source, "--output", f"{self.uri}out/"]
        return [*words, "--params", json.dumps(self.stage["params"], sort_keys=True)]
