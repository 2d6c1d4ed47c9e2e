"""SubmitJob's request becomes jobs: one, or an array with its children."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.engines.batch import capacity, overrides, strategies
from localcloud.engines.batch.definitions import Definition
from localcloud.engines.batch.errors import only, refused, request, unable
from localcloud.engines.batch.jobs import Job
from localcloud.engines.emr_node.tree import LINUX

Shape = dict[str, Any]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
HONOURED = frozenset(
    {
        "jobName",
        "jobQueue",
        "arrayProperties",
        "dependsOn",
        "jobDefinition",
        "parameters",
        "containerOverrides",
        "nodeOverrides",
        "retryStrategy",
        "propagateTags",
        "timeout",
        "tags",
    }
)


def check(given: Shape) -> None:
    """Check the parts of a request that need no other.

    Raises
    ------
    ClientException
    """
    only(given, HONOURED, "SubmitJob", "Remove it.")
    if not NAME.fullmatch(given["jobName"]):
        raise request(f"Job name {given['jobName']} should match valid pattern.")
    array = given.get("arrayProperties") or {}
    strategies.check_array(array)
    strategies.check_retry(given.get("retryStrategy") or {})
    strategies.check_timeout(given.get("timeout") or {})
    strategies.check_dependencies(given.get("dependsOn") or [], array.get("size") or 0)


def make(
    given: Shape,
    definition: Definition,
    queue: Any,
    arn_prefix: str,
    now: int,
    find: Callable[[str], Job | None],
) -> Job:
    """Make the job of a checked request; an array has its children.

    Parameters
    ----------
    queue
        moto's.
    find : callable
        Finds a job by its id.

    Raises
    ------
    ClientException
    """
    size = (given.get("arrayProperties") or {}).get("size") or 0
    if definition.nodes and size:
        raise request("A multi-node parallel job can't be an array job.")
    if definition.nodes and not LINUX:
        raise unable("nodeProperties", definition.name, "Nodes need Linux's loopback addresses.")
    containers = overrides.containers(definition, given)

    def one(**more: Any) -> Job:
        return Job(
            given=given,
            definition=definition,
            queue=queue.arn,
            arn_prefix=arn_prefix,
            created=now,
            containers=copy.deepcopy(containers),
            nodes=overrides.nodes(definition, given),
            **more,
        )

    job = one()
    _check_queue(job, queue)
    for index in range(size):
        job.children.append(one(id=f"{job.id}:{index}", index=index, parent=job))
    for each in job.children or [job]:
        each.depends = [
            found
            for asked in given.get("dependsOn") or []
            if (found := _dependency(asked, each, find))
        ]
    return job


def _check_queue(job: Job, queue: Any) -> None:
    if queue.state != "ENABLED":
        raise request(f"Job queue {queue.name} is {queue.state}; it takes no jobs.")
    kinds = [each.compute_resources["type"] for each in queue.environments]
    if not any(capacity.fits_kind(job, kind) for kind in kinds):
        wants = "FARGATE" if job.definition.on_fargate else "EC2"
        why = ", and its nodes EC2 on demand" if job.nodes else ""
        raise request(
            f"Job definition {job.definition.name} has the platform capability {wants}{why}; "
            f"queue {queue.name} has compute environments of {', '.join(sorted(set(kinds)))}."
        )


def _dependency(
    asked: Mapping[str, Any], job: Job, find: Callable[[str], Job | None]
) -> Job | None:
    kind, id_ = asked.get("type"), asked.get("jobId")
    if kind == "SEQUENTIAL":
        siblings, index = job.parent.children if job.parent else [], job.index or 0
        return siblings[index - 1] if index else None
    found = find(str(id_))
    if found is None:
        raise refused(f"Job {id_} does not exist.")
    if kind != "N_TO_N":
        return found
    count = len(job.parent.children) if job.parent else 0
    if len(found.children) != count:
        raise request(
            f"N_TO_N needs arrays of one size; found {len(found.children)} in {id_} and {count}."
        )
    return found.children[job.index or 0]
