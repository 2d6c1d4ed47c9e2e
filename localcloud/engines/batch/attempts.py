"""One attempt of a job: its containers, one a node, from their start to the main one's end."""

from __future__ import annotations

import shutil
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from localcloud.cloud import Cloud
from localcloud.engines.batch import gpus, logs, surroundings
from localcloud.engines.batch.addresses import Addresses
from localcloud.engines.batch.containers import Ended, Order, Runner
from localcloud.engines.batch.jobs import Job, Task
from localcloud.engines.batch.logs import LogStream
from localcloud.engines.batch.retries import TIMED_OUT

#: How often the clock is looked at where an attempt has a timeout.
GLANCE_S = 0.2


@dataclass(frozen=True)
class Here:
    """What attempts find.

    Parameters
    ----------
    changed : threading.Condition
        Guards all jobs.
    logs
        moto's CloudWatch Logs of the account and region.
    gpus : tuple of str
        Ids of this machine's.
    """

    cloud: Cloud
    runner: Runner
    changed: threading.Condition
    addresses: Addresses
    logs: Any
    gpus: tuple[str, ...]

    def now(self) -> int:
        """Milliseconds since 1970 by the cloud's clock."""
        return int(self.cloud.clock.now() * 1000)


@dataclass
class Attempt:
    """One attempt.

    Parameters
    ----------
    environment
        moto's compute environment that the job was put on.
    queue : str
        The queue's name.
    """

    here: Here
    job: Job
    environment: Any
    queue: str
    addresses: list[str] = field(default_factory=list)
    ends: dict[int, Ended] = field(default_factory=dict)
    threads: list[threading.Thread] = field(default_factory=list)
    main_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> Ended:
        """Run it; give how the main container ended."""
        job = self.job
        if job.nodes:
            self.addresses = self.here.addresses.take(len(job.containers))
            if not self.addresses:
                return Ended(None, "", "No loopback addresses are left for the job's nodes.")
        try:
            self._begin(job.main)
            timed_out = self._wait()
        finally:
            job.halt()  # the other nodes: the job is over when its main node is
            for thread in list(self.threads):
                thread.join()
            self.here.addresses.give_back(self.addresses)
        ended = self.ends[job.main]
        if timed_out:
            return replace(ended, status_reason=TIMED_OUT, final=True)
        return ended

    def _wait(self) -> bool:
        """Wait for the main container; say whether the attempt took too long."""
        job, limit_s, timed_out = self.job, self.job.timeout_s, False
        task = job.tasks[job.main]
        while not self.main_over.wait(GLANCE_S if limit_s else None):
            if limit_s and not timed_out and task.started is not None:
                timed_out = self.here.now() - task.started >= limit_s * 1000
                if timed_out:
                    job.halt()
        return timed_out

    def _begin(self, node: int) -> None:
        name = f"batch-{self.job.id[:8]}-{node}"
        thread = threading.Thread(target=self._node, args=(node,), name=name, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _node(self, node: int) -> None:
        task = self.job.tasks[node]
        try:
            ended = self._container(node, task)
        except Exception as fault:
            traceback.print_exc(file=sys.stderr)
            ended = Ended(None, f"{type(fault).__name__}: {fault}", "Internal error")
        with self.here.changed:
            task.stopped = self.here.now()
            task.exit_code, task.reason = ended.code, ended.reason
            task.status_reason = ended.status_reason
            task.status = "SUCCEEDED" if ended.succeeded else "FAILED"
        self.ends[node] = ended
        if node == self.job.main:
            self.main_over.set()

    def _container(self, node: int, task: Task) -> Ended:
        job, cloud, id_ = self.job, self.here.cloud, uuid.uuid4().hex
        container, size = job.containers[node], job.demands()[node]
        cluster = f"AWSBatch-{self.environment.name}"
        task.arn = f"arn:aws:ecs:{cloud.region}:{cloud.account}:task/{cluster}/{id_}"
        log = logs.open_stream(
            self.here.logs, container.get("logConfiguration"), job.definition.name, id_
        )
        if isinstance(log, Ended):
            return log
        order = Order(
            image=container["image"],
            command=tuple(container["command"]),
            environment=surroundings.variables(
                cloud, job, node, self.environment, self.queue, self.addresses
            )
            | gpus.variables(job.gpus[node], self.here.gpus),
            memory_mib=size.memory_mib,
            folder=cloud.data / "batch" / id_,
        )
        return self._run(order, task, log)

    def _run(self, order: Order, task: Task, log: LogStream) -> Ended:
        started: Callable[[], None] = lambda: self._started(task, log.name)  # noqa: E731
        try:
            return self.here.runner.run(order, task.halt, started, log.say)
        finally:
            log.close()
            _remove(order.folder)

    def _started(self, task: Task, stream: str) -> None:
        """Tell that a container runs; with the main one the others are begun."""
        job = self.job
        with self.here.changed:
            task.status, task.started, task.log_stream = "RUNNING", self.here.now(), stream
            if task.index != job.main:
                return
            job.move("RUNNING")
            job.started = task.started
        for node in range(len(job.containers)):
            if node != job.main:
                self._begin(node)


def _remove(folder: Path) -> None:
    """Remove a container's folder; what it held open may go a moment later."""
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
