"""A streaming task as YARN would run it, where Hadoop's local job runner only runs a command.

Run as ``task ROLE COMMAND…`` in front of the mapper, combiner or reducer that was given. Each
attempt has a working directory, a memory limit and a time limit of its own. What comes in is
kept on disk while it is fed, what goes out is held back until an attempt has succeeded: so an
attempt that dies is begun again, and nothing of it is seen.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from localcloud.engines.emr_node.attempt import Attempt, Limits
from localcloud.engines.emr_node.spool import Spool

FACTS = "LOCALCLOUD_TASK"
#: Streaming hands a job's properties on as variables, dots as underscores.
ATTEMPT = "mapreduce_task_attempt_id"


@dataclass(frozen=True)
class Facts:
    """What the step told its tasks, in the file that ``LOCALCLOUD_TASK`` names.

    Parameters
    ----------
    containers : str
        Where YARN would aggregate logs.
    work : str
        A folder for working directories and what is held back.
    application : str
        ``<cluster timestamp>_<number>``.
    failures : str
        A file that each failed attempt adds a line of JSON to.
    exit_counts : bool
        Hadoop's ``stream.non.zero.exit.is.failure``.
    """

    containers: str
    work: str
    application: str
    failures: str
    exit_counts: bool


def main(words: list[str]) -> None:
    """Try the command as often as the job allows; exit as its last attempt did."""
    role, command = words[0], words[1:]
    facts = Facts(**json.loads(Path(os.environ[FACTS]).read_text()))
    kind = "map" if "_m_" in _setting(ATTEMPT, "") else "reduce"  # a combiner runs in either
    limits = Limits(
        attempts=int(_setting(f"mapreduce_{kind}_maxattempts", "4")),
        memory=int(_setting(f"mapreduce_{kind}_memory_mb", "1024")) << 20,
        idle_s=int(_setting("mapreduce_task_timeout", "600000")) / 1000,
    )
    code = 1
    with Spool(Path(facts.work), keep=limits.attempts > 1) as spool:
        for number in range(limits.attempts):
            home, logs = _container(facts)
            attempt = Attempt(command, home, logs, _environment(home, logs, number), limits)
            code = attempt.run(spool)
            done = not attempt.killed and (code == 0 or not facts.exit_counts)
            if done:
                attempt.hand_on()
                code = 0
            else:
                attempt.discard()
                _tell(facts, role, number, attempt, logs)
            shutil.rmtree(home, ignore_errors=True)
            if done:
                break
    os._exit(code if code >= 0 else 128 - code)  # threads may still wait for input


def _setting(name: str, default: str) -> str:
    return os.environ.get(name) or default


def _container(facts: Facts) -> tuple[Path, Path]:
    """Make a container: its working directory with the links of -files, and its logs' folder."""
    name = f"application_{facts.application}"
    number = 2  # the first is the application master's
    while True:
        title = f"container_{facts.application}_01_{number:06d}"
        logs = Path(facts.containers) / name / title
        try:
            logs.mkdir(parents=True)
            break
        except FileExistsError:
            number += 1
    home = Path(facts.work) / title
    (home / "tmp").mkdir(parents=True)
    for entry in os.scandir("."):  # Hadoop puts what -files and -archives name there as links
        if entry.is_symlink():
            (home / entry.name).symlink_to(os.path.realpath(entry.path))
    return home, logs


def _environment(home: Path, logs: Path, number: int) -> dict[str, str]:
    """Give the attempt's environment: Hadoop numbers the first only."""
    mine = {name: value for name, value in os.environ.items() if name != FACTS}
    first = mine.get(ATTEMPT, "")
    if first:
        again = f"{first.rpartition('_')[0]}_{number}"
        mine = {name: again if value == first else value for name, value in mine.items()}
    mine |= {"PWD": str(home), "TMPDIR": str(home / "tmp"), "CONTAINER_ID": logs.name}
    return mine


def _tell(facts: Facts, role: str, number: int, attempt: Attempt, logs: Path) -> None:
    """Report a failed attempt to the step, and on standard error as Hadoop's client does."""
    name = _setting(ATTEMPT, role).rpartition("_")[0]
    told: dict[str, object] = {
        "attempt": f"{name}_{number}",
        "role": role,
        "reason": attempt.reason,
    }
    told |= {"stderr": str(logs / "stderr"), "killed": attempt.killed}
    with Path(facts.failures).open("a") as file:
        file.write(json.dumps(told) + "\n")
    text = f"Task Id : {name}_{number}, Status : FAILED\nError: {attempt.reason}\n"
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()
