"""How many workers a stage can have where it is deployed."""

from __future__ import annotations

import os
from collections.abc import Sequence

from headrace.plan import Plan, StagePlan
from headrace.study import Batch, Dask, Map, Mpi, StudyError
from headrace.target import Target

#: What nobody's account gives without asking; ends the search.
_MOST = 1 << 14


def counts(plan: Plan, stage: StagePlan, target: Target) -> list[int]:
    """Numbers of workers to measure: 1, 2, 4, and on, as many as there are.

    Parameters
    ----------
    plan : Plan
    stage : StagePlan
    target : Target
        Where it is deployed: asked for Batch's vCPUs.
    """
    most = _there_are(plan, stage, target)
    doublings = [1 << i for i in range(_MOST.bit_length()) if 1 << i <= most]
    return [n for n in doublings if _goes(stage, n)]


def _goes(stage: StagePlan, workers: int) -> bool:
    try:
        stage.check_workers(workers)
    except StudyError:
        return False
    return True


def _there_are(plan: Plan, stage: StagePlan, target: Target) -> int:
    """Workers that find a CPU; of a Map no more calls at a time than its study says.

    That is what an account bears: class accounts are suspended above 10.
    """
    told = stage.stage
    # Where functions are built for this very machine, it is what runs them, and jobs too.
    here = (os.cpu_count() or 1) if target.platform is None else _MOST
    if isinstance(told, Map):
        return min(told.concurrency, here)
    if not isinstance(told, Mpi | Batch | Dask):
        return 1
    each = told.asked.vcpus * told.containers / told.workers
    return max(1, int(min(_vcpus(plan, stage, target), here) / each))


def _vcpus(plan: Plan, stage: StagePlan, target: Target) -> int:
    """The most vCPUs that the stage's queue has.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html
    """
    batch = target.client("batch")
    queue = plan.job_queue(stage.queue)
    told = batch.describe_job_queues(jobQueues=[queue])["jobQueues"]
    names: Sequence[str] = [
        each["computeEnvironment"] for q in told for each in q["computeEnvironmentOrder"]
    ]
    if not names:
        return 1
    found = batch.describe_compute_environments(computeEnvironments=list(names))
    return sum(int(e["computeResources"]["maxvCpus"]) for e in found["computeEnvironments"])
