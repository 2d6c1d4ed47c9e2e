"""What a container finds in its environment: its job's place in Batch, and how to reach AWS."""

from __future__ import annotations

from typing import Any

from localcloud.cloud import CREDENTIALS, Cloud
from localcloud.engines.batch.jobs import Job


def variables(
    cloud: Cloud, job: Job, node: int, environment: Any, queue: str, addresses: list[str]
) -> dict[str, str]:
    """All variables of one container but its image's.

    Parameters
    ----------
    environment
        moto's compute environment that it runs in.
    queue : str
        The queue's name.
    addresses : list of str
        Of a multi-node job's nodes.
    """
    own = {each["name"]: each.get("value", "") for each in job.containers[node]["environment"]}
    return {
        **_aws(cloud, job, node, environment.compute_resources["type"]),
        **own,
        **batch(job, environment.name, queue),
        **(_node(job, node, addresses) if job.nodes else {}),
    }


def batch(job: Job, environment: str, queue: str) -> dict[str, str]:
    """What Batch sets.

    https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
    """
    told = {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts) + 1),
        "AWS_BATCH_CE_NAME": environment,
        "AWS_BATCH_JQ_NAME": queue,
    }
    if job.parent:
        told["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
        told["AWS_BATCH_JOB_ARRAY_SIZE"] = str(len(job.parent.children))
    return told


def _node(job: Job, node: int, addresses: list[str]) -> dict[str, str]:
    """What Batch sets on nodes, and Docker: a host name that means the node's own address.

    https://docs.aws.amazon.com/batch/latest/userguide/mnp-env-vars.html: who is main isn't told
    its address.
    """
    told = {
        "AWS_BATCH_JOB_NODE_INDEX": str(node),
        "AWS_BATCH_JOB_NUM_NODES": str(len(job.containers)),
        "AWS_BATCH_JOB_MAIN_NODE_INDEX": str(job.main),
        "HOSTNAME": addresses[node],
    }
    if node != job.main:
        told["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = addresses[job.main]
    return told


def _aws(cloud: Cloud, job: Job, node: int, kind: str) -> dict[str, str]:
    """The endpoint, and what the container would have of region and credentials.

    Fargate tells the region, EC2 doesn't. On EC2 the instance has a role, on Fargate the job must:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-metadata.html and
    task-iam-roles.html.
    """
    on_fargate = kind.startswith("FARGATE")
    told = {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE" if on_fargate else "AWS_ECS_EC2",
    }
    if on_fargate:
        told |= {"AWS_REGION": cloud.region, "AWS_DEFAULT_REGION": cloud.region}
    if on_fargate and not job.containers[node].get("jobRoleArn"):
        return told
    return told | {
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
        "AWS_SESSION_TOKEN": "local",
    }
