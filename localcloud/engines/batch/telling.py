"""A job as DescribeJobs and ListJobs tell of it.

https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html
"""

from __future__ import annotations

import copy
from typing import Any

from localcloud.engines.batch.jobs import Job, Task

Shape = dict[str, Any]


def detail(job: Job, reason: str, tags: dict[str, str]) -> Shape:
    """A job in full; `reason` is its statusReason."""
    definition = job.definition.given
    told = _times(job, reason) | {
        "jobArn": job.arn,
        "jobId": job.id,
        "jobName": job.name,
        "jobQueue": job.queue,
        "jobDefinition": job.definition.arn,
        "status": job.status,
        "createdAt": job.created,
        "attempts": copy.deepcopy(job.attempts),
        "retryStrategy": job.retry,
        "dependsOn": job.given.get("dependsOn") or [],
        "parameters": (definition.get("parameters") or {}) | (job.given.get("parameters") or {}),
        "platformCapabilities": definition.get("platformCapabilities") or ["EC2"],
        "tags": tags,
        "propagateTags": bool(job.given.get("propagateTags", definition.get("propagateTags"))),
        "isCancelled": job.cancelled,
        "isTerminated": job.terminated,
    }
    if job.timeout_s:
        told["timeout"] = {"attemptDurationSeconds": job.timeout_s}
    if job.nodes:
        told["nodeProperties"] = copy.deepcopy(job.nodes)
    else:
        told["container"] = container(job, 0)
    return told | ({"arrayProperties": _array(job)} if job.children or job.parent else {})


def node(job: Job, index: int, tags: dict[str, str]) -> Shape:
    """One node of a multi-node job, as `JOB#INDEX` describes it."""
    task = _task(job, index)
    told = detail(job, task.status_reason, tags)
    for name in ("nodeProperties", "startedAt", "stoppedAt"):
        told.pop(name, None)
    return told | {
        **_task_times(task),
        "jobId": f"{job.id}#{index}",
        "jobArn": f"{job.arn}#{index}",
        "status": task.status if job.tasks else job.status,
        "container": container(job, index),
        "nodeDetails": {"nodeIndex": index, "isMainNode": index == job.main},
    }


def container(job: Job, index: int) -> Shape:
    """A container's properties, and how its last attempt went."""
    given = copy.deepcopy(job.containers[index])
    return given | (job.tasks[index].told() if job.tasks else {"networkInterfaces": []})


def attempt(job: Job, status_reason: str) -> Shape:
    """An attempt that is over, by its main container."""
    task = job.tasks[job.main]
    return {
        "container": task.told(),
        "statusReason": status_reason,
        **_task_times(task),
    }


def summary(job: Job, reason: str) -> Shape:
    """A job as ListJobs tells of it."""
    told = _times(job, reason) | {
        "jobArn": job.arn,
        "jobId": job.id,
        "jobName": job.name,
        "jobDefinition": job.definition.arn,
        "status": job.status,
        "createdAt": job.created,
        "isCancelled": job.cancelled,
        "isTerminated": job.terminated,
    }
    if job.tasks and not job.nodes:
        told["container"] = _outcome(job.tasks[0])
    if job.nodes:
        told["nodeProperties"] = {"numNodes": len(job.containers)}
    return told | ({"arrayProperties": _array(job)} if job.children or job.parent else {})


def node_summary(job: Job, index: int) -> Shape:
    """One node as ListJobs tells of it."""
    task = _task(job, index)
    told = summary(job, task.status_reason)
    for name in ("startedAt", "stoppedAt"):
        told.pop(name, None)
    return told | {
        **_task_times(task),
        "jobId": f"{job.id}#{index}",
        "jobArn": f"{job.arn}#{index}",
        "status": task.status if job.tasks else job.status,
        "container": _outcome(task),
        "nodeProperties": {
            "isMainNode": index == job.main,
            "numNodes": len(job.containers),
            "nodeIndex": index,
        },
    }


def _task(job: Job, index: int) -> Task:
    return job.tasks[index] if job.tasks else Task(index)


def _outcome(task: Task) -> Shape:
    told = {"exitCode": task.exit_code, "reason": task.reason}
    return {name: value for name, value in told.items() if value not in (None, "")}


def _array(job: Job) -> Shape:
    if job.parent:
        return {"index": job.index, "statusSummary": {}}
    return {"size": len(job.children), "statusSummary": job.summary()}


def _times(job: Job, reason: str) -> Shape:
    told = {"statusReason": reason, "startedAt": job.started, "stoppedAt": job.stopped}
    return {name: value for name, value in told.items() if value not in (None, "")}


def _task_times(task: Task) -> Shape:
    told = {"startedAt": task.started, "stoppedAt": task.stopped}
    return {name: value for name, value in told.items() if value is not None}
