"""All jobs of one account and region: submitted, run, ended."""

from __future__ import annotations

import sys
import threading
import traceback
from typing import Any

from moto.batch.models import batch_backends
from moto.logs.models import logs_backends

from localcloud.cloud import Cloud
from localcloud.engines.batch import gpus, retries, submitting, telling
from localcloud.engines.batch.addresses import Addresses
from localcloud.engines.batch.attempts import Attempt, Here
from localcloud.engines.batch.capacity import Capacity, machine_mib
from localcloud.engines.batch.containers import Ended, Runner
from localcloud.engines.batch.definitions import Definitions
from localcloud.engines.batch.errors import refused
from localcloud.engines.batch.jobs import WAITING, Job
from localcloud.engines.batch.scheduler import Scheduler

Shape = dict[str, Any]

#: How long the cloud waits for jobs when it stops.
STOP_S = 10


class Service:
    """Takes jobs and has them run.

    Parameters
    ----------
    cloud : Cloud
    runner : Runner
        Runs containers.

    Attributes
    ----------
    changed : threading.Condition
        Guards all jobs, and tells the scheduler of changes.
    """

    def __init__(self, cloud: Cloud, runner: Runner) -> None:
        self.moto: Any = batch_backends[cloud.account][cloud.region]
        self._arns = f"arn:aws:batch:{cloud.region}:{cloud.account}:"
        self.definitions = Definitions(
            cloud.region, lambda name: f"{self._arns}job-definition/{name}"
        )
        self.changed = threading.Condition()
        self.jobs: dict[str, Job] = {}
        self._threads: list[threading.Thread] = []
        self._stopping = False
        self._capacity = Capacity(machine_mib(), gpus=gpus.here())
        logs = logs_backends[cloud.account][cloud.region]
        addresses = Addresses(cloud.port)
        self.here = Here(cloud, runner, self.changed, addresses, logs, self._capacity.gpus)
        self.scheduler = Scheduler(self._capacity, self.queues, self._start, self.here.now)
        threading.Thread(target=self._schedule, name="batch-scheduler", daemon=True).start()

    def queues(self) -> list[Any]:
        """Moto's queues."""
        return list(self.moto._job_queues.values())

    def stop(self) -> None:
        """End every job."""
        with self.changed:
            self._stopping = True
            for job in self.jobs.values():
                job.halt(0)
            self.changed.notify_all()
        for thread in self._threads:
            thread.join(STOP_S)

    def look(self) -> None:
        """See what queues and environments there are now; a queue's jobs end with it.

        https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteJobQueue.html
        """
        with self.changed:
            known = {queue.arn for queue in self.queues()}
            for job in [job for job in self.jobs.values() if job.queue not in known]:
                self._end(job, "The job queue was deleted", terminate=True)
            self.changed.notify_all()

    def submit(self, given: Shape) -> Job:
        """SubmitJob.

        Raises
        ------
        ClientException
        """
        submitting.check(given)
        queue = self.moto.get_job_queue(given["jobQueue"])
        if queue is None:
            raise refused(f"Job queue {given['jobQueue']} does not exist.")
        with self.changed:
            definition = self.definitions.find(given["jobDefinition"])
            job = submitting.make(
                given, definition, queue, f"{self._arns}job/", self.here.now(), self.jobs.get
            )
            for each in (job, *job.children):
                self.jobs[each.id] = each
            if job.children:
                job.move("PENDING")  # until the last child is over
            self.scheduler.add(job.children or [job])
            self.changed.notify_all()
        if given.get("tags"):
            self.moto.tag_resource(job.arn, given["tags"])
        return job

    def find(self, which: str) -> Job | None:
        """The job of an id or ARN."""
        return self.jobs.get(which.rpartition(":job/")[2] if ":job/" in which else which)

    def cancel(self, which: str, reason: str) -> None:
        """CancelJob: what hasn't begun won't; what has goes on."""
        self._find_and_end(which, reason, terminate=False)

    def terminate(self, which: str, reason: str) -> None:
        """TerminateJob: what hasn't begun won't, what has is ended."""
        self._find_and_end(which, reason, terminate=True)

    def _find_and_end(self, which: str, reason: str, terminate: bool) -> None:
        with self.changed:
            if job := self.find(which.partition("#")[0]):
                self._end(job, reason, terminate)
                self.changed.notify_all()

    def _end(self, job: Job, reason: str, terminate: bool) -> None:
        """End a job, or an array's children."""
        if job.over:
            return
        if job.children:
            job.ask_to_end(reason, terminate)
        for each in job.children or [job]:
            if each.status in WAITING:
                each.ask_to_end(reason, terminate)
                each.end("FAILED", reason, self.here.now())
            elif terminate and not each.over:
                each.ask_to_end(reason, terminate)
                each.halt()

    def describe(self, which: str) -> Shape | None:
        """A job in full, or one node of a multi-node job."""
        id_, _, node = which.partition("#")
        with self.changed:
            job = self.find(id_)
            if job is None:
                return None
            tags = self.moto.list_tags_for_resource(job.arn)
            if not node:
                return telling.detail(job, self.scheduler.why(job), tags)
            if job.nodes and node.isdecimal() and int(node) < len(job.containers):
                return telling.node(job, int(node), tags)
            return None

    def _schedule(self) -> None:
        with self.changed:
            while not self._stopping:
                self.scheduler.turn()
                self.changed.wait()

    def _start(self, job: Job, environment: Any, queue: str) -> None:
        attempt = Attempt(self.here, job, environment, queue)
        thread = threading.Thread(
            target=self._attempt, args=(attempt,), name=f"batch-{job.id}", daemon=True
        )
        self._threads = [each for each in self._threads if each.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _attempt(self, attempt: Attempt) -> None:
        try:
            ended = attempt.run()
        except Exception as fault:
            traceback.print_exc(file=sys.stderr)
            ended = Ended(None, "", f"Internal error: {type(fault).__name__}: {fault}")
        with self.changed:
            self._settle(attempt.job, ended)
            self.changed.notify_all()

    def _settle(self, job: Job, ended: Ended) -> None:
        """Say how an attempt went, and whether there is another."""
        self._capacity.release(job)
        job.attempts.append(telling.attempt(job, ended.status_reason))
        now = self.here.now()
        if job.terminated and not ended.succeeded:
            job.end("FAILED", job.ended_for, now)
        elif self._stopping:
            job.end("FAILED", "The local cloud stopped.", now)
        elif retries.again(job.retry, len(job.attempts), ended):
            self.scheduler.again(job)
        else:
            job.end("SUCCEEDED" if ended.succeeded else "FAILED", ended.status_reason, now)
