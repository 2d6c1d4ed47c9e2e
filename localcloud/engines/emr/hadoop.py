"""Runs hadoop-streaming: Hadoop's own, by its local job runner, its tasks as YARN's.

Splits, sort, spill, combiner, partitioner, counters and exit rules are Hadoop's; what the local
job runner lacks (a container for each attempt, its memory, its retries) is
`localcloud.engines.emr_node.task`. See docs/decisions/11-hadoop-local-job-runner.md.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import BinaryIO

from localcloud.engines.emr import hadoop_args, node_messages, node_process
from localcloud.engines.emr.hadoop_args import Arguments, Classes
from localcloud.engines.emr.jars_shared import sharing
from localcloud.engines.emr.node import JAVA, Place
from localcloud.engines.emr.node_files import Files
from localcloud.engines.emr.node_work import Ended, Work

MAIN = "org.apache.hadoop.streaming.HadoopStreaming"
FACTS = "LOCALCLOUD_TASK"
SHIPPED = ("-files", "-archives", "-libjars")
#: MiB of the one JVM that a job runs in: for itself, and for each task beyond its sort buffer.
HEAP_BASE, HEAP_TASK = 384, 256


def run(
    place: Place,
    work: Work,
    application: str,
    out: BinaryIO,
    err: BinaryIO,
    stopped: threading.Event,
) -> Ended:
    """Run ``hadoop-streaming …``.

    Raises
    ------
    CommandError
        Where its arguments can't be honoured.
    """
    arguments = hadoop_args.parse(work.args[1:])
    scratch(work).mkdir(parents=True)
    told = facts(place, work, application, arguments)
    words = command(place, work, arguments)
    environment = place.environment(os.environ) | {FACTS: str(told)}
    _submitted(work, application)
    ended = node_process.run(words, environment, work.folder, out, err, stopped)
    _tidy(work)
    if ended.code == 0:
        return Ended(0)
    return Ended(ended.code, "Unknown Error.", _message(work))


def _submitted(work: Work, application: str) -> None:
    """Say which containers are the step's, where and as YARN's client does on EMR."""
    client = "INFO org.apache.hadoop.yarn.client.api.impl.YarnClientImpl (main)"
    with (work.logs / "syslog").open("a") as file:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S,000")
        file.write(f"{stamp} {client}: Submitted application application_{application}\n")


def scratch(work: Work) -> Path:
    """Give the folder of what a job's tasks and its JVM need only while it runs."""
    return work.folder / ".node"


def facts(place: Place, work: Work, application: str, arguments: Arguments) -> Path:
    """Write what the job's tasks have to know."""
    counts = place.node.settings("mapred-site").get(hadoop_args.EXIT_COUNTS, "true")
    told = {
        "containers": str(work.containers),
        "work": str(scratch(work)),
        "application": application,
        "failures": str(_failures(work)),
        "exit_counts": arguments.property(hadoop_args.EXIT_COUNTS, counts).lower() != "false",
    }
    path = scratch(work) / "task.json"
    path.write_text(json.dumps(told))
    return path


def command(place: Place, work: Work, arguments: Arguments) -> list[str]:
    """Give Java's command line."""
    return _java(place, work, arguments) + _arguments(place, work, arguments)


def _java(place: Place, work: Work, arguments: Arguments) -> list[str]:
    default = place.node.settings("mapred-site").get("mapreduce.task.io.sort.mb", "100")
    sort = int(arguments.property("mapreduce.task.io.sort.mb", default))
    heap = HEAP_BASE + place.node.vcores * (HEAP_TASK + sort)
    settings = (place.conf / "hadoop-log4j2.properties").as_uri()
    words = [str(JAVA), f"-Xmx{heap}m", "-XX:+UseSerialGC", "-XX:-UsePerfData"]
    words += ["-XX:+ExitOnOutOfMemoryError", *sharing("hadoop", place.hadoop_jars)]
    words += [f"-Dlog4j.configurationFile={settings}", f"-Djava.io.tmpdir={scratch(work)}"]
    words += [f"-Dlocalcloud.syslog={work.logs / 'syslog'}", "-Djava.net.preferIPv4Stack=true"]
    return [*words, "-cp", ":".join(map(str, [*place.hadoop_jars, place.conf])), MAIN]


def _localize(place: Place, work: Work, arguments: Arguments) -> None:
    """Fetch what a job ships: the local job runner looks for fetched files in the wrong one.

    JobResourceUploader drops the scheme of its staging folder, which is local though the
    default file system isn't.
    """
    files = Files(place, work.folder)
    for index, (option, value) in enumerate(arguments.generic):
        if option in SHIPPED:
            parts = [files.local(uri) for uri in value.split(",") if uri]
            if option == "-libjars":  # on a class path, not under a name
                parts = [part.partition("#")[0] for part in parts]
            arguments.generic[index] = (option, ",".join(parts))


def _arguments(place: Place, work: Work, arguments: Arguments) -> list[str]:
    """Add what a job may not change: its folder, and the memory that reducers share."""
    ours = {
        "hadoop.tmp.dir": str(scratch(work)),
        hadoop_args.EXIT_COUNTS: "true",  # the task judges, so that what was killed has failed
        "mapreduce.reduce.memory.totalbytes": str((HEAP_TASK // 2) << 20),
    }
    _localize(place, work, arguments)
    # Hadoop takes the last -D of a name.
    arguments.generic += [("-D", f"{name}={value}") for name, value in ours.items()]
    libraries = [
        Path(path.removeprefix("file://"))
        for option, value in arguments.generic
        if option == "-libjars"
        for path in value.split(",")
    ]
    known = Classes([jar for jar in [*place.hadoop_jars, *libraries] if jar.is_file()])
    return arguments.words(f'"{place.bin / "streaming-task"}"', known)


def _failures(work: Work) -> Path:
    return scratch(work) / "failures.jsonl"


def _tidy(work: Work) -> None:
    """Remove what a job leaves but its list of failures: sorted pieces, and unpacked archives."""
    for entry in scratch(work).iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)


def _message(work: Work) -> str:
    """Say why: what the last failed attempt said, else what Hadoop did."""
    told = node_messages.first_useful(
        node_messages.tail(work.logs / "syslog"), node_messages.tail(work.logs / "stderr")
    )
    if "OutOfMemoryError" in told or not _failures(work).exists():
        return told
    last = json.loads(_failures(work).read_text().splitlines()[-1])
    if last["killed"]:
        return str(last["reason"])
    return node_messages.first_useful(node_messages.tail(Path(last["stderr"])), last["reason"])
