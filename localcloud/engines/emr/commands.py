"""Runs what command-runner.jar is given on a cluster's node: the entry to its real engines."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from typing import BinaryIO

from localcloud.engines.emr import hadoop, node, node_messages, node_process, spark
from localcloud.engines.emr.jars import JarsError
from localcloud.engines.emr.node_work import CommandError, Ended, Node, Work

__all__ = ["Ended", "Node", "Work", "known", "run"]

ENGINES = {"hadoop-streaming": hadoop.run, "spark-submit": spark.run}
#: Who runs a command here, in the log of each step: on AWS it would be YARN's containers.
SAID = {
    "hadoop-streaming": (
        "local cloud: run by Hadoop's LocalJobRunner on this machine, {cores} tasks at a time; "
        "there is no YARN"
    ),
    "spark-submit": (
        "local cloud: run by Spark local[{cores}], driver and executors in one process on this "
        "machine; there is no YARN"
    ),
}
STAMP = "%Y-%m-%dT%H:%M:%S.000Z"


def known(args: Sequence[str]) -> bool:
    """Whether a command is one of the engines' own; others are the node's programs."""
    return bool(args) and args[0] in ENGINES


def run(node_: Node, work: Work, stopped: threading.Event) -> Ended:
    """Run a step's command to its end, or until `stopped` is set; leaves no process.

    Its logs are written as they come. What can't be begun ends like a program that failed.
    """
    began = time.monotonic()
    for folder in (work.folder, work.logs, work.containers):
        folder.mkdir(parents=True, exist_ok=True)
    _say(work, f"INFO startExec 'hadoop jar command-runner.jar {' '.join(work.args)}'")
    with (work.logs / "stdout").open("ab") as out, (work.logs / "stderr").open("ab") as err:
        (work.logs / "syslog").touch()
        try:
            ended = _run(node_, work, out, err, stopped)
        except (CommandError, JarsError) as fault:
            err.write(f"{fault}\n".encode())
            ended = Ended(1, "Unknown Error.", str(fault))
    lasted_s = int(time.monotonic() - began)
    _say(work, f"INFO waitProcessCompletion ended with exit code {ended.exit_code}")
    if ended.exit_code:
        _say(work, f"WARN Step failed with exitCode {ended.exit_code} and took {lasted_s} seconds")
    else:
        _say(work, f"INFO Step succeeded with exitCode 0 and took {lasted_s} seconds")
    return ended


def _run(node_: Node, work: Work, out: BinaryIO, err: BinaryIO, stopped: threading.Event) -> Ended:
    if not work.args:
        raise CommandError("While starting a step, found no command in its Args. Give one.")
    place = node.lay_out(node_)
    if known(work.args):
        _say(work, f"INFO {SAID[work.args[0]].format(cores=node_.vcores)}")
        application = f"{time.time_ns() // 1_000_000}_0001"
        return ENGINES[work.args[0]](place, work, application, out, err, stopped)
    environment = place.environment(os.environ)
    ended = node_process.run(work.args, environment, work.folder, out, err, stopped)
    if ended.code == 0:
        return Ended(0)
    said = node_messages.tail(work.logs / "stderr"), node_messages.tail(work.logs / "stdout")
    return Ended(ended.code, "Unknown Error.", node_messages.first_useful(*said))


def _say(work: Work, text: str) -> None:
    with (work.logs / "controller").open("a") as file:
        file.write(f"{time.strftime(STAMP, time.gmtime())} {text}\n")
