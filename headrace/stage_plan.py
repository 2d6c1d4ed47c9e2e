"""A stage of the run as it will be, and as the deployed functions read it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from headrace.job_steps import files_of, passthrough, steps_of
from headrace.pins import Pin
from headrace.stages import Map, MapReduce, Query, Spark, Stage
from headrace.table_plans import TablePlan, columns_of


@dataclass(frozen=True)
class StagePlan:
    """A stage of the run as it will be.

    Parameters
    ----------
    stage : Map, MapReduce, Spark or Query
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
    def program(self) -> str:
        """Path in the repository of what the cluster runs; empty for a Map or a query."""
        if isinstance(self.stage, MapReduce):
            return self.stage.job
        return self.stage.program if isinstance(self.stage, Spark) else ""

    @property
    def kind(self) -> str:
        """`map`, `mapreduce`, `spark` or `query`."""
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
    if isinstance(stage, Spark):
        more = {"conf": dict(stage.conf), "jars": list(stage.jars), "gpu": stage.gpu}
        return told | {"program": stage.program} | more
    steps = steps_of(stage.name, stage.job, stage.params)
    told |= {"program": stage.job, "jars": [], "reducers": stage.reducers, "steps": steps}
    return told | {"arguments": passthrough(stage.params)}
