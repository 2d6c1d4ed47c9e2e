"""What an mrjob job's steps are, asked of the job itself.

The job is read in a Python of its own, as it is on a cluster's node: its own folder and the
repository are what it imports from, its arguments those that its stage gives it. ::

    python -m headrace.job_steps emr_steps/top_words.py --min-count=3
"""

from __future__ import annotations

import functools
import json
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headrace.checks import StudyError

ROOT = Path(__file__).resolve().parent.parent
#: Seconds that importing a job may take.
IMPORT_S = 60
#: What mrjob itself sets for SORT_VALUES: partition by the key, sort by key and value.
#: https://mrjob.readthedocs.io/en/latest/job.html#mrjob.job.MRJob.SORT_VALUES
SORT_VALUES = {
    "mapreduce.partition.keypartitioner.options": "-k1,1",
    "stream.num.map.output.key.fields": "2",
}
SORT_VALUES_PARTITIONER = "org.apache.hadoop.mapred.lib.KeyFieldBasedPartitioner"


def passthrough(params: Mapping[str, Any]) -> list[str]:
    """A stage's params as arguments of its job.

    Examples
    --------
    >>> passthrough({"min_count": 3, "fold": True, "stop": ["a", "the"], "debug": False})
    ['--min-count=3', '--fold', '--stop=a', '--stop=the']
    """
    told = []
    for name, value in params.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            told.append(option)
        elif value is not False:
            several = value if isinstance(value, (list, tuple)) else [value]
            told += [f"{option}={one}" for one in several]
    return told


def steps_of(
    stage: str, job: str, params: Mapping[str, Any], root: Path = ROOT
) -> list[dict[str, Any]]:
    """The steps of a job, in order.

    Parameters
    ----------
    stage : str
        Whose job it is, for errors.
    job : str
        Path of its file in the repository.
    params : mapping
        What the stage gives it.
    root : Path
        The repository.

    Returns
    -------
    list of dict
        ``mapper``, ``combiner``, ``reducer`` (whether there is one), ``raw`` (whether its mapper
        gets whole files), ``jobconf``, and ``partitioner``, ``input_format``, ``output_format``
        where the job names a Java class.

    Raises
    ------
    StudyError
        Where the job can't be imported, takes other arguments, or has steps that Headrace
        doesn't run.
    """
    told = _of(stage, job, params, root)
    for what in ("libjars", "archives"):
        if told[what]:
            raise _refusal(stage, job, f"{what} {told[what]}", "Do without them")
    last = len(told["steps"]) - 1
    return [
        _step(stage, job, told, step, first=number == 0, last=number == last)
        for number, step in enumerate(told["steps"])
    ]


def files_of(stage: str, job: str, params: Mapping[str, Any], root: Path = ROOT) -> list[str]:
    """Paths in the repository of the files and folders that a job names in FILES and DIRS.

    Raises
    ------
    StudyError
        As :func:`steps_of`; also for what lies outside the repository or isn't there.
    """
    found = []
    for named in _of(stage, job, params, root)["files"]:
        path = Path(named.partition("#")[0]).resolve()
        if not path.exists() or root not in path.parents:
            raise StudyError(
                f"While reading the job of stage {stage}, {job}, found its file {named} missing "
                "or outside the repository. Put it beside the job."
            )
        found.append(path.relative_to(root).as_posix())
    return sorted(found)


def _of(stage: str, job: str, params: Mapping[str, Any], root: Path) -> dict[str, Any]:
    path = root / job
    if not path.is_file():
        raise StudyError(
            f"While reading the job of stage {stage}, found no file {job}. Write it, or correct "
            "its path."
        )
    return _told(stage, job, tuple(passthrough(params)), root, path.stat().st_mtime_ns)


@functools.cache
def _told(
    stage: str, job: str, arguments: tuple[str, ...], root: Path, changed: int
) -> dict[str, Any]:
    """What the job says of itself; asked again where its file has changed."""
    command = [sys.executable, "-m", "headrace.job_steps", job, *arguments]
    try:
        ran = subprocess.run(
            command, cwd=root, capture_output=True, text=True, timeout=IMPORT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _refusal(stage, job, f"no end of its import in {IMPORT_S} s", "Do less") from error
    if ran.returncode:
        said = (ran.stderr.strip().splitlines() or [f"exit status {ran.returncode}"])[-1]
        raise StudyError(
            f"While reading the job of stage {stage}, {job}, found {said.rstrip('.')}. Correct "
            f"it: `python -m headrace.job_steps {' '.join([job, *arguments])}` says all."
        )
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def _step(
    stage: str, job: str, told: Mapping[str, Any], step: Mapping[str, Any], first: bool, last: bool
) -> dict[str, Any]:
    if step["type"] != "streaming":
        raise _refusal(stage, job, f"a step of type {step['type']}", "Make it a Spark stage")
    for word, what in (("command", "cmd"), ("pre_filter", "pre_filter")):
        if word in step.get("combiner", {}):  # a mapper's or reducer's the launcher runs
            raise _refusal(stage, job, f"the shell's combiner_{what}", "Write it in Python")
    if step.get("input_manifest") and not first:
        raise _refusal(stage, job, "mapper_raw after the first step", "Make it the first one")
    sorts = told["sort_values"]
    jobconf = (SORT_VALUES if sorts else {}) | told["jobconf"] | step.get("jobconf", {})
    made: dict[str, Any] = {
        "mapper": "mapper" in step,
        "combiner": "combiner" in step,
        "reducer": "reducer" in step,
        "raw": bool(step.get("input_manifest")),
        "jobconf": {name: _text(v) for name, v in sorted(jobconf.items()) if v is not None},
    }
    named = {
        "partitioner": told["partitioner"] or (SORT_VALUES_PARTITIONER if sorts else None),
        "input_format": told["input_format"] if first else None,
        "output_format": told["output_format"] if last else None,
    }
    return made | {name: value for name, value in named.items() if value}


def _text(value: object) -> str:
    # Hadoop's booleans are in lower case.
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refusal(stage: str, job: str, found: str, do: str) -> StudyError:
    return StudyError(
        f"While reading the job of stage {stage}, {job}, found {found}, which a MapReduce stage "
        f"doesn't run. {do}."
    )


def describe(job: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Read a job's file, and ask the one job in it; in a Python of its own, in the repository.

    Raises
    ------
    SystemExit
        Where there isn't exactly one ``MRJob`` class, or it doesn't take the arguments.
    """
    from mrjob.job import MRJob

    path = Path(job).resolve()
    sys.path.insert(0, str(path.parent))
    names = runpy.run_path(str(path), run_name="job")
    jobs = [
        found
        for found in names.values()
        if isinstance(found, type) and issubclass(found, MRJob) and found.__module__ == "job"
    ]
    if len(jobs) != 1:
        told = ", ".join(found.__name__ for found in jobs) or "none"
        raise SystemExit(f"{told} where one class of MRJob should be")
    # What mr_job_script() finds the job's own files by.
    sys.modules["job"] = type(sys)("job")
    sys.modules["job"].__file__ = str(path)
    made = jobs[0](list(arguments))
    return {
        "steps": [step.description(number) for number, step in enumerate(made.steps())],
        "jobconf": made.jobconf() or {},
        "sort_values": bool(made.sort_values()),
        "partitioner": made.partitioner(),
        "input_format": made.hadoop_input_format(),
        "output_format": made.hadoop_output_format(),
        "libjars": list(made.libjars() or []),
        "files": [*(made.files() or []), *(made.dirs() or [])],
        "archives": list(made.archives() or []),
    }


if __name__ == "__main__":
    print(json.dumps(describe(sys.argv[1], sys.argv[2:])))
