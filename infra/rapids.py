"""What a cluster needs for GPUs: NVIDIA's accelerator for Spark, RAPIDS, which EMR has with it.

Not run by us. The settings are those of AWS's page for EMR 7, but for what is marked; of the page's
own, ``spark.executor.extraLibraryPath`` (CUDA's and Hadoop's folders) is not set here, nor what it
tunes (pinned memory, overhead, partitions). See ``docs/spark.md``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

#: Run on each node before anything else; it fetches nothing.
BOOTSTRAP = Path(__file__).with_name("rapids_nodes.sh")

_CGROUP = "/spark-rapids-cgroup"
_CGROUPS = "yarn.nodemanager.linux-container-executor.cgroups"
_GPU = "yarn.nodemanager.resource-plugins.gpu"


def configurations() -> list[dict[str, Any]]:
    """EMR's configurations, of https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-spark-rapids.html.

    They are the cluster's, so every Spark stage of the run is computed so; one that must not be
    says ``conf={"spark.rapids.sql.enabled": "false"}``.
    """
    return [
        _one("spark", {"enableSparkRapids": "true"}),
        _one(
            "yarn-site",
            {
                "yarn.resource-types": "yarn.io/gpu",
                "yarn.nodemanager.resource-plugins": "yarn.io/gpu",
                f"{_GPU}.allowed-gpu-devices": "auto",
                f"{_GPU}.path-to-discovery-executables": "/usr/bin",
                f"{_CGROUPS}.mount": "true",
                f"{_CGROUPS}.mount-path": _CGROUP,
                f"{_CGROUPS}.hierarchy": "yarn",
                "yarn.nodemanager.container-executor.class": (
                    "org.apache.hadoop.yarn.server.nodemanager.LinuxContainerExecutor"
                ),
            },
        ),
        _one("container-executor", {})
        | {
            "Configurations": [
                _one("gpu", {"module.enabled": "true"}),
                _one("cgroups", {"root": _CGROUP, "yarn-hierarchy": "yarn"}),
            ]
        },
        _one(
            "capacity-scheduler",
            {
                "yarn.scheduler.capacity.resource-calculator": (
                    "org.apache.hadoop.yarn.util.resource.DominantResourceCalculator"
                )
            },
        ),
        _one(
            "spark-defaults",
            {
                "spark.plugins": "com.nvidia.spark.SQLPlugin",
                "spark.executor.resource.gpu.amount": "1",
                "spark.executor.resource.gpu.discoveryScript": (
                    "/usr/lib/spark/scripts/gpu/getGpusResources.sh"
                ),
                # Ours; the page has 2 cores and 0.5. A node has 4 vCPUs and one GPU: one executor,
                # whose tasks share it, each 1 / (cores of the executor) of it, as NVIDIA advises:
                # https://docs.nvidia.com/spark-rapids/user-guide/24.02/getting-started/overview.html
                "spark.executor.cores": "4",
                "spark.task.resource.gpu.amount": "0.25",
            },
        ),
    ]


def _one(classification: str, properties: dict[str, str]) -> dict[str, Any]:
    return {"Classification": classification, "Properties": properties}
