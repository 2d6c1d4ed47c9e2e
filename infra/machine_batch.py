"""The states of a stage in containers alone: its job, or its array of jobs.

::

    look ─▶ job ─▶ commit                     of an Mpi, Gpu or Dask stage
    look ─▶ one? ─▶ job ──▶ commit            of a Batch stage: the number of its copies
              └───▶ array ─▶                  is known when it is prepared
"""

from __future__ import annotations

import math

from headrace.plan import Plan, StagePlan
from infra.batch_definitions import ATTEMPTS, GRACE_S
from infra.batch_queues import most_vcpus
from infra.machine_task import State
from infra.retries import batch_retries

#: Seconds more that a job's state waits: for a host, and for what else waits in the queue.
QUEUE_TIMEOUT_S = 6 * 3600

_JOB = "$.prepared.job"


def job(plan: Plan, stage: StagePlan, resource: str) -> State:
    """Submit a stage's job, and wait for its end.

    Parameters
    ----------
    plan : Plan
        The study's.
    stage : StagePlan
        A stage in containers.
    resource : str
        ARN of ``batch:submitJob.sync``.
    """
    given = {
        "Command.$": f"{_JOB}.command",
        "Environment.$": f"{_JOB}.environment",
        "ResourceRequirements.$": f"{_JOB}.resources",
    }
    overrides: State = {"ContainerOverrides": given}
    if stage.queue == "nodes":
        # All nodes are alike: `boot` knows from Batch's variables which is the first.
        every = {"TargetNodes": "0:", "ContainerOverrides": given}
        overrides = {"NodeOverrides": {"NodePropertyOverrides": [every]}}
    return {
        "Type": "Task",
        "Resource": resource,
        "Parameters": {
            "JobName.$": f"{_JOB}.name",
            "JobQueue": plan.job_queue(stage.queue),
            "JobDefinition": plan.job_definition(stage.name),
            **overrides,
        },
        "TimeoutSeconds": _timeout_s(plan, stage),
        "Retry": batch_retries(),
        "ResultSelector": {"JobId.$": "$.JobId"},
        "ResultPath": "$.done_job",
    }


def array(plan: Plan, stage: StagePlan, resource: str) -> State:
    """Submit a stage's job as an array of copies, and wait for the end of all."""
    state = job(plan, stage, resource)
    state["Parameters"]["ArrayProperties"] = {"Size.$": f"{_JOB}.workers"}
    return state


def is_one(job_state: str, array_state: str) -> State:
    """Choose by the number of copies: an array has 2 at least.

    https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html
    """
    many = {"Variable": f"{_JOB}.workers", "NumericGreaterThan": 1, "Next": array_state}
    return {"Type": "Choice", "Choices": [many], "Default": job_state}


def _timeout_s(plan: Plan, stage: StagePlan) -> int:
    """Seconds until nothing can come of a job any more: each copy's tries, and the wait."""
    told = stage.deployed()
    copies = told["workers"] if stage.kind == "batch" else 1
    waves: int = math.ceil(copies * told["vcpus"] / most_vcpus(plan, stage.queue))
    once: int = told["timeout_s"] + GRACE_S
    return waves * ATTEMPTS * once + QUEUE_TIMEOUT_S
