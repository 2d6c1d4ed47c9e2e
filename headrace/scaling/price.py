"""What a second of a stage costs at a number of workers, by AWS's list prices."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.cost import PRICES, TASK_PRICES, task_usd_h
from headrace.plan import StagePlan
from headrace.study import Batch, Dask, Map, Mpi, StudyError


@dataclass(frozen=True)
class Price:
    """A stage's price.

    Parameters
    ----------
    stage : StagePlan
        Of kind `mpi`, `batch`, `dask` or `map`.
    """

    stage: StagePlan

    def usd(self, workers: int, seconds: float) -> float | None:
        """USD of so many workers for so long; None where AWS has no such container."""
        told = self.stage.stage
        if isinstance(told, Map):
            gb = told.function.memory_mib / 1024
            return PRICES["lambda_gb_s"] * gb * workers * seconds
        if not isinstance(told, Mpi | Batch | Dask):
            raise TypeError(f"stage {self.stage.name} is of kind {self.stage.kind}")
        try:
            at = told.at(workers)
        except StudyError:
            return None
        billed = max(seconds, TASK_PRICES["container_least_s"])
        return at.containers * task_usd_h(at) * billed / 3600

    def note(self) -> str:
        """What the price is of."""
        if isinstance(self.stage.stage, Map):
            gb = self.stage.stage.function.memory_mib / 1024
            return f"Lambda, {gb:.2f} GB a worker, all of them busy all the time"
        where = "Fargate" if getattr(self.stage.stage, "is_fargate", False) else "EC2 on demand"
        return f"{where}, a minute at least, for the time of the program"
