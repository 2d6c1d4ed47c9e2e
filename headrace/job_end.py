"""How a job of a stage failed: what `boot` wrote beside its output, what Batch says, and its log.

``<try>/failed.json`` is ``{"rank": 2 or null, "reason": "…", "where": "tasks/mpi/x.py:41"}``: see
``docs/contracts.md``, The image and `boot`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from headrace import step_log
from headrace.causes import Cause
from headrace.job_board import Jobs
from headrace.lake import get_json

#: Exits of `boot` that tell of themselves in failed.json: failed, and to be tried again.
_TOLD = (1, 75)
#: What Batch knows better than what it ended: https://docs.aws.amazon.com/batch/latest/userguide/
#: best-practices.html and job_timeouts.html
_OUTSIDE = re.compile(
    r"Host EC2|exceeded timeout|OutOfMemory|Cannot|failed to start|Terminat", re.I
)
#: mpiexec's mark of a rank before a line.
_RANK = re.compile(r"^\[\d+\] ?")


@dataclass(frozen=True)
class Ended:
    """How a job ended.

    Parameters
    ----------
    cause : Cause
        Its message names the rank, where it was one.
    line : str
        The first useful line of the log; empty where the cause says all.
    said : sequence of str
        All lines of the log that were read.
    """

    cause: Cause
    line: str
    said: Sequence[str]


def ended(
    jobs: Jobs,
    s3: Any,
    bucket: str,
    prefix: str,
    job: str,
    cause: Cause,
    *,
    ranks: bool,
    log: bool,
) -> Ended:
    """Find out how a job ended.

    Parameters
    ----------
    jobs : Jobs
    s3 : boto3 S3 client
    bucket, prefix : str
        The lake's, and the try's.
    job : str
        Its id; may be empty, where it was never submitted.
    cause : Cause
        What Step Functions kept.
    ranks : bool
        Whether it has ranks, of which one may be to blame; copies have none.
    log : bool
        Whether its log is read even where `boot` said all.
    """
    told = get_json(s3, bucket, f"{prefix}failed.json") if prefix else None
    own = False
    if told is not None and _by_itself(cause):
        own, cause = True, _of_boot(cause, told, ranks)
    said: list[str] = []
    if job and (log or not own):
        stream = cause.stream or jobs.stream(jobs.describe(job))
        said = jobs.lines(stream) if stream else []
    return Ended(cause, "" if own else first_useful(said), said)


def _by_itself(cause: Cause) -> bool:
    """Whether the job ended by itself, so that what `boot` wrote is the reason."""
    if cause.exit is not None:
        return cause.exit in _TOLD and not _OUTSIDE.search(cause.message)
    return _OUTSIDE.search(cause.message) is None


def _of_boot(cause: Cause, told: dict[str, Any], ranks: bool) -> Cause:
    who = f"rank {told['rank']}: " if ranks and told.get("rank") is not None else ""
    reason = str(told.get("reason") or "no reason given")
    return replace(cause, message=f"{who}{reason}", frame=str(told.get("where") or ""))


def first_useful(said: Sequence[str]) -> str:
    """The line that says what went wrong; empty where the log is."""
    plain = [_RANK.sub("", line) for line in said]
    own = [line for line in plain if line.startswith("headrace: ")]
    last = next((line for line in reversed(plain) if line.strip()), "")
    return " ".join((own[-1] if own else step_log.first_useful(plain) or last).split())
