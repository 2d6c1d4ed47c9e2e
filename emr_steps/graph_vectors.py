"""A vector of the driver, as a column that Spark can join."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pyspark.sql import DataFrame, SparkSession

SLICE = 50_000


def column(spark: SparkSession, values: npt.NDArray[np.generic], name: str, kind: str) -> DataFrame:
    """Give a vector as ``id`` (0 to n - 1) and a column of the SQL type `kind`."""
    slices = [(at, values[at : at + SLICE]) for at in range(0, len(values), SLICE)]
    rows = spark.sparkContext.parallelize(slices, max(1, min(len(slices), 200)))
    pairs = rows.flatMap(lambda s: list(enumerate(s[1].tolist(), s[0])))
    return spark.createDataFrame(pairs, f"id long, {name} {kind}", verifySchema=False)
