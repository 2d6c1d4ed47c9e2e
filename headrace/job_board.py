"""What AWS Batch says of a stage's job while it goes: that it waits and why, or how far it is.

A job's states: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

#: Kinds of the stages that Batch runs.
KINDS = ("mpi", "batch", "gpu", "dask")
#: The steps at which Batch is at work: a job, or an array of copies.
STEPS = ("job", "array")
_WAITING = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING")
#: What a program prints, which mpiexec puts a rank before.
_PROGRESS = re.compile(r"\bprogress (\d+)/(\d+)\b")
#: Newest lines of a log among which it is looked for.
_LINES = 100


@dataclass(frozen=True)
class JobProgress:
    """How far a job is.

    Parameters
    ----------
    status : str
        As Batch says it.
    reason : str
        Why it has it, where Batch says so.
    done, of : int
        What its program says of itself, or the copies of an array that have ended; 0 of 0 where
        nobody says.
    failed : int
        Copies that failed.
    copies : bool
        Whether copies are counted.
    """

    status: str
    reason: str = ""
    done: int = 0
    of: int = 0
    failed: int = 0
    copies: bool = False

    @property
    def why(self) -> str:
        """Why it doesn't run; empty where it does."""
        if self.status not in _WAITING:
            return ""
        return f"{self.status}: {self.reason}" if self.reason else self.status

    def words(self) -> str:
        """It in words."""
        if self.status in _WAITING:
            return "queued by Batch"
        if not self.of:
            return self.status
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"{self.done:,} of {self.of:,}{' copies' if self.copies else ''}{failed}"


@dataclass(frozen=True)
class Jobs:
    """Asks Batch and CloudWatch Logs.

    Parameters
    ----------
    client : callable
        Makes a boto3 client of a service.
    group : str
        The log group of the study's jobs.
    """

    client: Callable[[str], Any]
    group: str

    @cached_property
    def batch(self) -> Any:
        """Batch's client; made once somebody asks, as few runs have jobs."""
        return self.client("batch")

    @cached_property
    def logs(self) -> Any:
        """That of CloudWatch Logs."""
        return self.client("logs")

    def describe(self, job: str) -> dict[str, Any]:
        """A job as DescribeJobs tells it; nothing where Batch has forgotten it, after a week."""
        found: list[dict[str, Any]] = self.batch.describe_jobs(jobs=[job])["jobs"]
        return found[0] if found else {}

    def progress(self, job: str) -> JobProgress:
        """How far a job is."""
        told = self.describe(job)
        status, reason = str(told.get("status", "unknown")), str(told.get("statusReason", ""))
        if told.get("arrayProperties", {}).get("size"):
            return self._of_array(job, told, reason)
        if status != "RUNNING":
            return JobProgress(status, reason)
        return JobProgress(status, reason, *self._said(self.stream(told)))

    def _of_array(self, job: str, told: dict[str, Any], reason: str) -> JobProgress:
        """Copies: the parent itself is PENDING until all of them have ended."""
        counts: dict[str, int] = told["arrayProperties"].get("statusSummary", {})
        done, failed = counts.get("SUCCEEDED", 0), counts.get("FAILED", 0)
        size = int(told["arrayProperties"].get("size", 0))
        if done or failed or counts.get("RUNNING"):
            return JobProgress("RUNNING", "", done + failed, size, failed, copies=True)
        status = next((s for s in reversed(_WAITING) if counts.get(s)), told["status"])
        waiting = self.batch.list_jobs(arrayJobId=job, jobStatus=status)["jobSummaryList"]
        reasons = [str(one["statusReason"]) for one in waiting if one.get("statusReason")]
        return JobProgress(status, reasons[0] if reasons else reason, 0, size, copies=True)

    def stream(self, told: dict[str, Any]) -> str:
        """The log stream of a job, of many nodes that of the main one, of an array a failed one's.

        Empty where there is none (yet).
        """
        job = str(told.get("jobId", ""))
        if "nodeProperties" in told and "#" not in job:
            told = self.describe(f"{job}#{told['nodeProperties'].get('mainNode', 0)}")
        if told.get("arrayProperties", {}).get("size"):
            failed = self.batch.list_jobs(arrayJobId=job, jobStatus="FAILED")["jobSummaryList"]
            told = self.describe(failed[0]["jobId"]) if failed else {}
        return str(told.get("container", {}).get("logStreamName") or "")

    def lines(self, stream: str, most: int = 10_000) -> list[str]:
        """The newest lines of a log stream; none where it isn't there (yet)."""
        words: dict[str, Any] = {"logGroupName": self.group, "logStreamName": stream}
        try:
            told = self.logs.get_log_events(**words, limit=most, startFromHead=False)
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [line for e in told["events"] for line in e["message"].rstrip().splitlines()]

    def _said(self, stream: str) -> tuple[int, int]:
        """What a program said last of how far it is."""
        for line in reversed(self.lines(stream, _LINES) if stream else []):
            if found := _PROGRESS.search(line):
                return int(found[1]), int(found[2])
        return 0, 0
