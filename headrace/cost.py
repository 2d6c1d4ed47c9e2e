"""List prices, and what a stage of a run costs by them.

USD in us-east-1, those of ``PRICES`` read on 22 November 2026, the others not (each says so);
another region's differ by up to a third. On a laptop nothing is billed: the figure says what the
same stage would cost on AWS.
"""

from __future__ import annotations

from collections.abc import Mapping

from headrace.gpu_stage import gpu_host
from headrace.stages import Task

#: By unit. Deployed with the functions that write the ``runs`` table.
PRICES: Mapping[str, float] = {
    # https://aws.amazon.com/athena/pricing/: at least 10 MB a query, per TB (10^12 bytes) scanned
    "athena_tb": 5.0,
    "athena_least_bytes": 10e6,
    # https://aws.amazon.com/lambda/pricing/: arm64, first tier
    "lambda_gb_s": 0.0000133334,
    "lambda_request": 0.20 / 1e6,
    # https://aws.amazon.com/step-functions/pricing/: standard workflows
    "state_transition": 0.025 / 1e3,
    # https://aws.amazon.com/s3/pricing/
    "s3_put": 0.005 / 1e3,
    "s3_get": 0.0004 / 1e3,
}

#: USD an hour of a node of EMR, by instance type: EC2's price on demand, and EMR's for it. These
#: were not read from the pages on that day: look there before relying on them.
#: https://aws.amazon.com/ec2/pricing/on-demand/, https://aws.amazon.com/emr/pricing/
NODES: Mapping[str, tuple[float, float]] = {
    "m5.xlarge": (0.192, 0.048),
    "m6i.xlarge": (0.192, 0.048),
    "m6g.xlarge": (0.154, 0.0385),
    "c6i.xlarge": (0.170, 0.0425),
    "r6i.xlarge": (0.252, 0.063),
    "g4dn.xlarge": (0.526, 0.1315),
}

#: Of containers, by the hour; deployed with the functions of a study that has such stages. Those
#: of hosts with GPUs are in :mod:`headrace.gpu_stage`.
TASK_PRICES: Mapping[str, float] = {
    # https://aws.amazon.com/fargate/pricing/: Linux on x86, billed by the second, at least a
    # minute. Read where others quote that page: https://www.vantage.sh/blog/fargate-pricing
    "fargate_vcpu_h": 0.04048,
    "fargate_gb_h": 0.004445,
    "container_least_s": 60.0,
    # EC2 sells whole hosts. From memory, m6i.large is 0.096 (2 vCPUs, 8 GiB) and r6i.large 0.126
    # (2 vCPUs, 16 GiB) on demand, of which these are the parts; spot hosts are cheaper.
    # https://aws.amazon.com/ec2/pricing/on-demand/
    "ec2_vcpu_h": 0.033,
    "ec2_gb_h": 0.00375,
}


def container_usd_h(platform: str, vcpus: float, memory_mib: int) -> float:
    """USD an hour of a container on `platform`, FARGATE or EC2, by list price on demand."""
    of = platform.lower()
    prices = TASK_PRICES[f"{of}_vcpu_h"], TASK_PRICES[f"{of}_gb_h"]
    return vcpus * prices[0] + memory_mib / 1024 * prices[1]


def task_usd_h(task: Task) -> float:
    """USD an hour of one container of a stage: of its whole host, where that has GPUs."""
    size = task.container
    if task.gpus:
        return gpu_host(task.gpus, size, f"the stage {task.name}").usd_h
    return container_usd_h("FARGATE" if task.is_fargate else "EC2", size.vcpus, size.memory_mib)
