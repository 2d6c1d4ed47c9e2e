"""The sbatch script of a stage: what it asks of Slurm, and the call that the house would make.

Only the head is written for the stage; ``job.sh``, which follows it, is the same for all.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.errors import HeadraceError
from headrace.stages import Batch, Mpi

BODY = Path(__file__).with_name("job.sh")
#: Seconds more than the program's own that Slurm gives, so that `boot` can say where it hung.
GRACE_S = 120


class ScriptError(HeadraceError):
    """A stage can't be asked of Slurm so."""


@dataclass(frozen=True)
class Allocation:
    """What a job asks of Slurm.

    Parameters
    ----------
    nodes, tasks, cpus : int
        Nodes, tasks in all, and CPUs of each task.
    memory_mib : int
        Of one node.
    copies : int
        Of an array job; 1 is no array.
    time_s : int
        Seconds until Slurm ends the job.
    """

    nodes: int
    tasks: int
    cpus: int
    memory_mib: int
    copies: int
    time_s: int

    def lines(self) -> list[str]:
        """The ``#SBATCH`` lines, https://slurm.schedmd.com/sbatch.html."""
        told = [
            f"--nodes={self.nodes}",
            f"--ntasks={self.tasks}",
            f"--ntasks-per-node={self.tasks // self.nodes}",
            f"--cpus-per-task={self.cpus}",
            f"--mem={self.memory_mib}M",
            f"--time={math.ceil(self.time_s / 60)}",
        ]
        if self.copies > 1:
            told.append(f"--array=0-{self.copies - 1}")
        return [f"#SBATCH {word}" for word in told]


def allocation(stage: Mpi | Batch, workers: int, nodes: int | None) -> Allocation:
    """What a stage needs of Slurm.

    Parameters
    ----------
    stage : Mpi or Batch
    workers : int
        Ranks, or copies.
    nodes : int, optional
        Nodes of an Mpi stage; the stage's own if not given.

    Raises
    ------
    ScriptError
        Where ranks can't be spread evenly, or copies are to be.
    """
    time_s = stage.timeout_s + GRACE_S
    if isinstance(stage, Batch):
        if nodes is not None:
            raise ScriptError(
                f"asking Slurm for stage {stage.name}",
                f"--nodes={nodes}, where each copy of a Batch stage has a job of its own",
                "Leave --nodes out.",
            )
        return Allocation(1, 1, math.ceil(stage.vcpus), stage.memory_mib, workers, time_s)
    nodes = nodes or stage.nodes
    if workers % nodes:
        raise ScriptError(
            f"asking Slurm for stage {stage.name}",
            f"{workers} ranks on {nodes} nodes, which aren't as many on each",
            f"Give a multiple of {nodes} as --workers, or other --nodes.",
        )
    # As the house does it: a rank has the vCPUs that it has at the study's own number of ranks.
    cpus = max(1, int(stage.asked.vcpus * stage.nodes / stage.ranks))
    return Allocation(nodes, workers, cpus, stage.memory_mib, 1, time_s)


def script(name: str, asked: Allocation, command: Sequence[str], seed: int, workers: int) -> str:
    """Write the script.

    Parameters
    ----------
    name : str
        Of the job.
    asked : Allocation
    command : sequence of str
        What the house's own container would be given: its URIs are replaced by the folder's, its
        ranks by `workers`.
    seed, workers : int
        Of the study, and of this job.
    """
    told = words_of(command)
    array = "%A-%a" if asked.copies > 1 else "%j"
    head = [
        "#!/bin/bash",
        f"#SBATCH --job-name={name}",
        *asked.lines(),
        f"#SBATCH --output=log/{array}.txt",
        "",
        f"main={shlex.quote(told['main'])}",
        f"ranks={workers if 'ranks' in told else ''}",
        f"timeout_s={told['timeout-s']}",
        f"params={shlex.quote(told['params'])}",
        f"seed={seed}",
        f"workers={workers}",
        "",
    ]
    return "\n".join(head) + BODY.read_text(encoding="utf-8")


def words_of(command: Sequence[str]) -> dict[str, Any]:
    """The options of a container's command, by their names.

    Raises
    ------
    ScriptError
        Where one is missing that a job can't be without.
    """
    names = [word.removeprefix("--") for word in command[::2]]
    told = dict(zip(names, command[1::2], strict=True))
    if missing := sorted({"main", "timeout-s", "params", "program"} - told.keys()):
        raise ScriptError(
            "reading the container's command",
            f"no {', '.join(missing)} in {' '.join(command)}",
            "Deploy the study with this version of headrace.",
        )
    return told
