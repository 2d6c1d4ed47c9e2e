"""Runs spark-submit: Spark's own, on this machine's cores instead of YARN's containers.

The JVM is started without the launcher's, which only works out this one's command line.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import BinaryIO

import psutil

from localcloud.engines.emr import (
    jars,
    jars_trust,
    node_messages,
    node_process,
    node_settings,
    spark_args,
)
from localcloud.engines.emr.jars_shared import sharing
from localcloud.engines.emr.node import JAVA, Place
from localcloud.engines.emr.node_files import Files
from localcloud.engines.emr.node_work import Ended, Work
from localcloud.engines.emr.spark_args import Arguments

MAIN = "org.apache.spark.deploy.SparkSubmit"
#: JavaModuleOptions of Spark 3.5: what it opens of Java 17.
OPENED = (
    "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio",
    "java.util", "java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref",
    "sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar",
)  # fmt: skip
PASSED = ("class", "name", "packages", "exclude-packages", "repositories", "driver-class-path")
YARN_ONLY = ("spark.yarn.", "spark.submit.deployMode", "spark.master", "spark.dynamicAllocation.")


def run(
    place: Place,
    work: Work,
    application: str,
    out: BinaryIO,
    err: BinaryIO,
    stopped: threading.Event,
) -> Ended:
    """Run ``spark-submit …``.

    Raises
    ------
    CommandError
        Where its arguments can't be honoured, or a file isn't there.
    """
    arguments = spark_args.parse(work.args[1:])
    files = Files(place, work.folder)
    if properties := arguments.options.get("properties-file"):
        arguments.conf = _read(files.fetch(properties)) | arguments.conf
    if not arguments.cluster:
        words = command(place, arguments, files, work.folder)
        return _ended(_start(place, arguments, words, work.folder, out, err, stopped), work.logs)
    name = f"application_{application}"
    logs = work.containers / name / f"container_{application}_01_000001"
    home = work.folder / logs.name
    for folder in (logs, home):
        folder.mkdir(parents=True)
    words = command(place, arguments, files, home)
    _report(err, f"Submitting application {name} to ResourceManager")
    _report(err, f"Application report for {name} (state: RUNNING)")
    with (logs / "stdout").open("wb") as stdout, (logs / "stderr").open("wb") as stderr:
        exited = _start(place, arguments, words, home, stdout, stderr, stopped, logs.name)
    ended = _ended(exited, logs)
    _report(err, f"Application report for {name} (state: FINISHED)")
    if ended.exit_code == 0:
        return ended
    said = f"Application {name} finished with failed status"
    err.write(f'Exception in thread "main" org.apache.spark.SparkException: {said}\n'.encode())
    return Ended(1, "Unknown Error.", ended.message or said)


def _start(
    place: Place,
    arguments: Arguments,
    words: list[str],
    home: Path,
    out: BinaryIO,
    err: BinaryIO,
    stopped: threading.Event,
    container: str = "",
) -> node_process.Exit:
    environment = place.environment(os.environ) | {"PWD": str(home)}
    if python := arguments.conf.get("spark.pyspark.python"):
        environment["PYSPARK_PYTHON"] = python
    if container:
        environment["LOCALCLOUD_CONTAINER"] = (
            container  # YARN's name for it would have Spark look for YARN
        )
        environment |= arguments.environment("spark.yarn.appMasterEnv")
    limit = place.node.yarn_mib
    exited = node_process.run(words, environment, home, out, err, stopped, limit)
    if exited.killed:
        err.write(f"{exited.killed}\n".encode())
    return exited


def _ended(exited: node_process.Exit, logs: Path) -> Ended:
    if exited.code == 0:
        return Ended(0)
    # Not the last line: after a failure Spark goes on to log its own end.
    message = node_messages.error(*(node_messages.tail(logs / n) for n in ("stdout", "stderr")))
    # What YARN's ApplicationMaster says of a program.
    silent = f"User application exited with status {exited.code}"
    return Ended(exited.code, "Unknown Error.", exited.killed or message or silent)


def class_path(place: Place) -> list[Path]:
    """Spark's class path, without its settings."""
    return [*sorted((jars.SPARK / "jars").glob("*.jar")), *place.extra]


def command(place: Place, arguments: Arguments, files: Files, home: Path) -> list[str]:
    """Localize what the step names into its container, and give the command."""
    for uri in arguments.listed("archives"):
        files.unpack(uri, home)
    words = _java(place, arguments)
    for option in ("files", "jars", "py-files"):
        if found := [str(files.link(uri, home)) for uri in arguments.listed(option)]:
            words += [f"--{option}", ",".join(found)]
    master = arguments.options.get("master", "yarn")
    settings = dict(arguments.conf)
    settings["spark.local.dir"] = str(place.root / "tmp")
    settings["spark.sql.warehouse.dir"] = (place.root / "hdfs/user/spark/warehouse").as_uri()
    settings["spark.jars.ivy"] = str(jars.folder() / "ivy")
    for option in PASSED:
        if option in arguments.options:
            words += [f"--{option}", arguments.options[option]]
    words += ["--master", master if master != "yarn" else f"local[{place.node.vcores}]"]
    for key, value in settings.items():
        if not key.startswith(YARN_ONLY):
            words += ["--conf", f"{key}={value}"]
    first, *rest = arguments.program
    return [*words, str(files.link(first, home)), *rest]


def _java(place: Place, arguments: Arguments) -> list[str]:
    path = class_path(place)
    settings = (place.conf / "spark-log4j2.properties").as_uri()
    words = [str(JAVA), f"-Xmx{_heap(place, arguments)}m", "-XX:-UsePerfData"]
    words += ["-XX:+UseParallelGC", "-XX:+ExitOnOutOfMemoryError", *sharing("spark", path)]
    words += [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED]
    words += ["-Djdk.reflect.useDirectMethodHandle=false", "-Djava.net.preferIPv4Stack=true"]
    words += [f"-Dlog4j.configurationFile={settings}", f"-Djava.io.tmpdir={place.root / 'tmp'}"]
    if "packages" in arguments.options:
        words += jars_trust.options(place.root / "tmp")
    words += arguments.options.get("driver-java-options", "").split()
    return [*words, "-cp", ":".join(map(str, [*path, place.conf])), MAIN]


def _heap(place: Place, arguments: Arguments) -> int:
    """Give the MiB of the one JVM that is driver and executor: the larger of what they ask for."""
    settings = node_settings.spark(place.node) | arguments.conf
    asked = [
        given
        for role in ("driver", "executor")
        if (given := arguments.options.get(f"{role}-memory", settings.get(f"spark.{role}.memory")))
    ]
    machine = int(psutil.virtual_memory().total >> 20)
    default = min(place.node.yarn_mib, machine) // 2
    return max(map(spark_args.mebibytes, asked), default=default)


def _read(path: Path) -> dict[str, str]:
    lines = [line.strip() for line in path.read_text().splitlines()]
    pairs = [
        line.replace("=", " ", 1).split(None, 1) for line in lines if line[:1] not in ("", "#")
    ]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _report(err: BinaryIO, text: str) -> None:
    err.write(f"{time.strftime('%y/%m/%d %H:%M:%S')} INFO Client: {text}\n".encode())
    err.flush()
