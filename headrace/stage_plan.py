"""A stage of the run as it will be, and as the deployed functions read it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from headrace.job_steps import files_of, passthrough, steps_of
from headrace.pins import Pin
from headrace.stages import (
    Batch,
    Dask,
    Gpu,
    Map,
    MapReduce,
    Mpi,
    Query,
    Spark,
    Stage,
    StudyError,
    Task,
)
from headrace.table_plans import TablePlan, columns_of


@dataclass(frozen=True)
class StagePlan:
    """A stage of the run as it will be.

    Parameters
    ----------
    stage : Map, MapReduce, Spark, Mpi, Batch, Gpu, Dask or Query
        What the study says.
    pieces : tuple
        Its SQL, with a pin behind the name of each Iceberg table; empty for a prefix.
    prefix : str
        The ``s3://`` prefix whose objects it reads, ``{lake}`` for the bucket; empty for SQL.
    reads : tuple of str
        The Iceberg tables that it reads.
    table : TablePlan, optional
        The table that it makes.
    """

    stage: Stage
    pieces: tuple[str | Pin, ...]
    prefix: str
    reads: tuple[str, ...]
    table: TablePlan | None

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.stage.name

    @property
    def is_emr(self) -> bool:
        """Whether it runs on the run's cluster."""
        return isinstance(self.stage, (MapReduce, Spark))

    @property
    def is_task(self) -> bool:
        """Whether it runs in containers of AWS Batch."""
        return isinstance(self.stage, Task)

    @property
    def queue(self) -> str:
        """Which of the study's queues its job goes to; empty where it is no job."""
        task = self.stage
        if not isinstance(task, Task):
            return ""
        if task.is_fargate:
            return "fargate"
        if isinstance(task, Mpi | Dask) and task.nodes > 1:
            return "nodes"
        if task.gpus:
            # A host that is taken away takes a whole Dask cluster with it.
            return "gpu" if isinstance(task, Gpu) and task.spot else "gpu-on-demand"
        return "spot"

    @property
    def image(self) -> str:
        """Folder of the image that it runs in; empty where it is no job."""
        return self.stage.image if isinstance(self.stage, Task) else ""

    @property
    def program(self) -> str:
        """Path in the repository of what is run; empty for a Map or a query."""
        if isinstance(self.stage, MapReduce):
            return self.stage.job
        return self.stage.program if isinstance(self.stage, Spark | Task) else ""

    @property
    def kind(self) -> str:
        """`map`, `mapreduce`, `spark`, `mpi`, `batch`, `gpu`, `dask` or `query`."""
        return type(self.stage).__name__.lower()

    @property
    def sql(self) -> str:
        """Its SQL as the study writes it; empty for a prefix."""
        return "".join(piece for piece in self.pieces if isinstance(piece, str))

    @property
    def files(self) -> list[str]:
        """Paths in the repository of what a MapReduce's job wants beside it."""
        if not isinstance(self.stage, MapReduce):
            return []
        return files_of(self.name, self.stage.job, self.stage.params)

    def check_workers(self, count: int) -> None:
        """Refuse a number of workers that the stage can't have.

        Raises
        ------
        StudyError
            Naming the limit, or the stage where nobody counts its workers.
        """
        if isinstance(self.stage, Mpi | Batch | Dask):
            self.stage.at(count)
        elif isinstance(self.stage, Map):
            dataclasses.replace(self.stage, concurrency=count)
        else:
            raise StudyError(
                f"While asking for {count} workers of stage {self.name}, found that it is of kind "
                f"{self.kind}. Name a stage of kind mpi, batch, dask or map."
            )

    def without_gpus(self) -> StagePlan:
        """The same where there are none: on CPUs."""
        if not isinstance(self.stage, Gpu | Dask):
            return self
        return dataclasses.replace(self, stage=self.stage.without_gpus())

    def deployed(self) -> dict[str, Any]:
        """The stage as the functions read it."""
        told: dict[str, Any] = {"name": self.name, "kind": self.kind, "sql": list(self.pieces)}
        if not isinstance(self.stage, Query):
            told["prefix"] = self.prefix
            told["columns"] = [dataclasses.astuple(c) for c in columns_of(self.stage.produces)]
        return told | _settings(self.stage)


def _settings(stage: Stage) -> dict[str, Any]:
    if isinstance(stage, Map):
        return {
            "fn": stage.fn,
            "params": dict(stage.params),
            "concurrency": stage.concurrency,
            "batch_items": stage.batch_items,
            "item_timeout_s": stage.item_timeout_s,
            "tolerate": stage.tolerate,
            "memory_mib": stage.function.memory_mib,
            "timeout_s": stage.function.timeout_s,
        }
    if isinstance(stage, Query):
        return {}
    told = {"params": dict(stage.params), "tolerate": stage.tolerate, "timeout_s": stage.timeout_s}
    if isinstance(stage, Task):
        return told | _task_settings(stage)
    if isinstance(stage, Spark):
        more = {"conf": dict(stage.conf), "jars": list(stage.jars), "gpu": stage.gpu}
        return told | {"program": stage.program} | more
    steps = steps_of(stage.name, stage.job, stage.params)
    told |= {"program": stage.job, "jars": [], "reducers": stage.reducers, "steps": steps}
    return told | {"arguments": passthrough(stage.params)}


def _task_settings(stage: Task) -> dict[str, Any]:
    """What a job is given; `asked` is for another number of workers, which is rounded anew."""
    told = {
        "program": stage.program,
        "image": stage.image,
        "workers": stage.workers,
        "platform": "FARGATE" if stage.is_fargate else "EC2",
        **dataclasses.asdict(stage.container),
        "asked": dataclasses.asdict(stage.asked),
    }
    if isinstance(stage, Mpi):
        return told | {"nodes": stage.nodes}
    if isinstance(stage, Batch):
        return told | {"spot": stage.spot}
    told["gpus"] = stage.gpus
    if isinstance(stage, Gpu):
        return told | {"spot": stage.spot}
    return told | {"nodes": stage.nodes, "threads": stage.threads}
