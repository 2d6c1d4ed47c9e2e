"""What a Dask cluster is to have, as the environment of a stage says it.

| variable | meaning | where it is unset |
|---|---|---|
| `HEADRACE_WORKERS` | worker processes | one a core |
| `HEADRACE_THREADS` | threads of a worker | 1 |
| `HEADRACE_MEMORY_MIB` | memory of the container (of one node) | that of machine or cgroup |
| `HEADRACE_GPU` | 1: arrays are CuPy's and dataframes cuDF's | 0 |
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from dask.system import CPU_COUNT
from distributed.system import MEMORY_LIMIT

#: MiB that the scheduler, the program and each worker's nanny are left. With pandas loaded they
#: take 240, 240 and 80 before they hold anything; a program holds the rows that it writes too.
SCHEDULER_MIB, PROGRAM_MIB, NANNY_MIB = 256, 384, 96
#: A worker with pandas loaded takes 230 MiB before it holds anything.
LEAST_MIB = 384


class SettingsError(ValueError):
    """A cluster can't be as it was asked for."""


@dataclass(frozen=True)
class Settings:
    """A cluster's size.

    Parameters
    ----------
    workers, threads : int
        Worker processes, and threads of each.
    memory_mib : int
        Of a node, for all that runs there.
    gpu : bool
        Whether arrays and dataframes lie on GPUs.
    """

    workers: int
    threads: int
    memory_mib: int
    gpu: bool

    def worker_mib(self, here: int) -> int:
        """Memory of a worker where `here` of them share a node, in MiB.

        It spills to disk from 0.6 of that on, is paused at 0.8, and ended at 0.95:
        https://distributed.dask.org/en/stable/worker-memory.html

        Raises
        ------
        SettingsError
            Where they would have too little to work.
        """
        share = (self.memory_mib - SCHEDULER_MIB - PROGRAM_MIB) // here - NANNY_MIB
        if share < LEAST_MIB:
            need = SCHEDULER_MIB + PROGRAM_MIB + here * (NANNY_MIB + LEAST_MIB)
            raise SettingsError(
                f"While sharing {self.memory_mib:,} MiB among {here} workers, found {share:,} MiB "
                f"for each, where {LEAST_MIB} is the least. Give the stage memory_mib={need} or "
                "more, or fewer workers."
            )
        return share


def of_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises
    ------
    SettingsError
        Where a variable is no whole number above 0.
    """
    return Settings(
        workers=_number(environment, "HEADRACE_WORKERS", CPU_COUNT),
        threads=_number(environment, "HEADRACE_THREADS", 1),
        memory_mib=_number(environment, "HEADRACE_MEMORY_MIB", int(MEMORY_LIMIT) >> 20),
        gpu=environment.get("HEADRACE_GPU", "0") not in ("", "0"),
    )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    told = environment.get(name)
    if told is None:
        return default
    if not told.isdecimal() or int(told) < 1:
        raise SettingsError(
            f"While reading {name}, found {told!r}. It is a whole number above 0. Correct it."
        )
    return int(told)
