"""Moves jobs on: from what they depend on to a host, queue by queue.

Of queues that share an environment the one of higher priority is asked first. In a queue the
first job goes first: one that doesn't fit holds up those behind it, as a FIFO queue's head does
on AWS (https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html).
"""

from __future__ import annotations

import bisect
import sys
import traceback
from collections.abc import Callable
from typing import Any

from localcloud.engines.batch.capacity import Capacity
from localcloud.engines.batch.jobs import DEPENDENT, Job

Start = Callable[[Job, Any, str], None]


class Scheduler:
    """Decides; its caller holds the lock of all jobs.

    Parameters
    ----------
    capacity : Capacity
    queues : callable
        moto's queues, as they are now.
    start : callable
        Begins an attempt of a job, in a compute environment, from a queue's name.
    now : callable
        Milliseconds since 1970.
    """

    def __init__(
        self,
        capacity: Capacity,
        queues: Callable[[], list[Any]],
        start: Start,
        now: Callable[[], int],
    ) -> None:
        self._capacity, self._queues = capacity, queues
        self._start, self._now = start, now
        self._dependent: list[Job] = []
        self._runnable: dict[str, list[Job]] = {}

    def add(self, jobs: list[Job]) -> None:
        """Take jobs that were submitted."""
        self._dependent += jobs

    def again(self, job: Job) -> None:
        """Take a job back for another attempt, in its old place."""
        job.move("RUNNABLE")
        waiting = self._runnable.setdefault(job.queue, [])
        bisect.insort(waiting, job, key=lambda each: each.created)

    def why(self, job: Job) -> str:
        """Give a job's reason; of one that waits behind another, that."""
        if job.status != "RUNNABLE" or job.reason or not self._runnable.get(job.queue):
            return job.reason
        first = self._runnable[job.queue][0]
        return "" if first is job else f"Waits behind job {first.id}, the first of its queue"

    def turn(self) -> None:
        """Move on all that can."""
        self._dependent = [job for job in self._dependent if not self._free(job)]
        for queue in sorted(self._queues(), key=lambda each: -int(each.priority)):
            self._place(queue, self._runnable.get(queue.arn, []))

    def _free(self, job: Job) -> bool:
        """Whether a job waits for no other any more."""
        if job.over:
            return True
        if any(each.status == "FAILED" for each in job.depends):
            job.end("FAILED", DEPENDENT, self._now())
            return True
        if all(each.status == "SUCCEEDED" for each in job.depends):
            self.again(job)
            return True
        job.move("PENDING")
        return False

    def _place(self, queue: Any, waiting: list[Job]) -> None:
        while waiting:
            job = waiting[0]
            if not job.over:
                try:
                    environment, reason = self._capacity.place(job, queue.environments)
                except Exception as fault:  # one job must not hold up all queues
                    traceback.print_exc(file=sys.stderr)
                    job.end(
                        "FAILED", f"Internal error: {type(fault).__name__}: {fault}", self._now()
                    )
                    continue
                if environment is None:
                    job.reason = reason
                    return
                job.prepare()
                self._start(job, environment, queue.name)
            waiting.pop(0)
