"""The applications of a cluster: those that run here, in the versions that really do."""

from __future__ import annotations

import importlib.metadata
import re
from functools import cache


@cache
def versions() -> dict[str, str]:
    """Versions by application; pyspark's wheel carries Hadoop's client."""
    spark = importlib.metadata.distribution("pyspark")
    for file in spark.files or []:
        if match := re.fullmatch(r"hadoop-client-api-([\d.]+)\.jar", file.name):
            return {"Hadoop": match[1], "Spark": spark.version}
    raise RuntimeError(
        "While looking for Hadoop in pyspark's wheel, found no hadoop-client-api. Clusters can't "
        f"run. Install pyspark as this project locks it (found {spark.version})."
    )
