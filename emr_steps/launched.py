"""What mrjob's runners do around a task, done within it: files, filters, commands, raw input.

mrjob lays a job's ``FILES`` and ``DIRS`` beside it, pipes input through its ``…_pre_filter``,
lets Hadoop run its ``…_cmd``, and fetches what ``mapper_raw`` reads. A step that Headrace adds
to a cluster has none of mrjob's scripts, so the task sees to these itself.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emr_steps.fetch import fetched

KINDS = ("mapper", "combiner", "reducer")


def execute(job: Any) -> None:
    """Run the one task that a job's options name.

    Raises
    ------
    SystemExit
        Where they name none; where a command or a filter fails.
    """
    kind = next((k for k in KINDS if getattr(job.options, f"run_{k}")), None)
    if kind is None:
        sys.exit(
            "While launching a task, found none of --mapper, --combiner and --reducer. "
            "Name one, or start the job's own file to run the whole of it."
        )
    step_num = job.options.step_num
    step = job.steps()[step_num]
    _lay_files(job)
    if kind not in job._steps_desc()[step_num]:
        shutil.copyfileobj(job.stdin, job.stdout)  # mrjob's runners start `cat` there
        return
    command = step[f"{kind}_cmd"]
    if command:
        words = shlex.split(command) if isinstance(command, str) else command
        sys.exit(subprocess.run(words, check=False).returncode)
    run = getattr(job, f"run_{kind}")
    if kind == "mapper" and step["mapper_raw"] and not job.options.args:
        for uri in _manifest(job.stdin):
            with fetched(uri) as path:
                job.options.args = [str(path), uri]
                run(step_num)
    elif step[f"{kind}_pre_filter"]:
        with _filtered(job, step[f"{kind}_pre_filter"]):
            run(step_num)
    else:
        run(step_num)


def _lay_files(job: Any) -> None:
    """Link the job's files and folders into the working directory, under mrjob's names."""
    if job.archives():
        sys.exit(
            f"While laying out the files of {type(job).__name__}, found ARCHIVES. "
            "Unpack them, and name the folders in DIRS."
        )
    for named in (*job.files(), *job.dirs()):
        path, _, name = str(named).partition("#")
        source = Path(path).resolve()
        if not source.exists():
            sys.exit(
                f"While laying out the files of {type(job).__name__}, found no {path}. "
                "Put it beside the job's file."
            )
        link = Path(name or source.name)
        if not link.exists():  # tasks of one machine may share a working directory
            try:
                link.symlink_to(source)
            except FileExistsError:
                continue


@contextmanager
def _filtered(job: Any, command: str) -> Iterator[None]:
    """Put a shell's filter before the task. One that lets nothing through may exit 1, as grep."""
    with subprocess.Popen(["sh", "-c", command], stdin=job.stdin, stdout=subprocess.PIPE) as shell:
        job._stdin = shell.stdout
        yield
    if shell.returncode not in (0, 1):
        sys.exit(f"While filtering input by {command!r}, found exit status {shell.returncode}.")


def _manifest(stdin: Any) -> Iterator[str]:
    """The URIs of a manifest: lines of text, mrjob's with an offset, or JSON with one text."""
    for line in stdin:
        told = line.decode("utf_8").rstrip("\r\n")
        if told.startswith("{"):
            (told,) = json.loads(told).values()
        if told.strip():
            yield told.rpartition("\t")[2]
