"""A job's states and what is known of it.

SUBMITTED ─▶ PENDING ─▶ RUNNABLE ─▶ STARTING ─▶ RUNNING ─▶ SUCCEEDED
                           ▲  └ another attempt ────┴─────▶ FAILED
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from localcloud.engines.batch import demands
from localcloud.engines.batch.containers import GRACE_S, Halt
from localcloud.engines.batch.definitions import Definition

Shape = dict[str, Any]

STATES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
OVER = ("SUCCEEDED", "FAILED")
WAITING = ("SUBMITTED", "PENDING", "RUNNABLE")
DEPENDENT = "Dependent Job failed"


@dataclass
class Task:
    """One container of a job's last attempt, that of node `index`."""

    index: int
    status: str = "RUNNABLE"
    status_reason: str = ""
    arn: str = ""
    log_stream: str = ""
    exit_code: int | None = None
    reason: str = ""
    started: int | None = None
    stopped: int | None = None
    halt: Halt = field(default_factory=Halt)

    def told(self) -> Shape:
        """What containers and attempts tell of it."""
        known: Shape = {
            "taskArn": self.arn,
            "exitCode": self.exit_code,
            "reason": self.reason,
            "logStreamName": self.log_stream,
        }
        found = {name: value for name, value in known.items() if value not in (None, "")}
        return found | {"networkInterfaces": []}


@dataclass
class Job:
    """One job: of one container, of several nodes, an array, or a child of one.

    Parameters
    ----------
    given : dict
        SubmitJob's request.
    containers : list of dict
        Properties of each node's container.
    created : int
        Milliseconds since 1970.
    index : int, optional
        A child's number in its array.
    gpus : list of tuple of str
        Ids of those that each container was given for its last attempt.
    """

    given: Shape
    definition: Definition
    queue: str
    arn_prefix: str
    created: int
    containers: list[Shape]
    nodes: Shape | None = None
    index: int | None = None
    parent: Job | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    children: list[Job] = field(default_factory=list)
    depends: list[Job] = field(default_factory=list)
    status: str = "SUBMITTED"
    reason: str = ""
    started: int | None = None
    stopped: int | None = None
    attempts: list[Shape] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    gpus: list[tuple[str, ...]] = field(default_factory=list)
    cancelled: bool = False
    terminated: bool = False
    ended_for: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.given["jobName"])

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"{self.arn_prefix}{self.id}"

    @property
    def over(self) -> bool:
        """Whether it ended."""
        return self.status in OVER

    @property
    def main(self) -> int:
        """The index of the node whose end is the job's."""
        return int(self.nodes["mainNode"]) if self.nodes else 0

    @property
    def retry(self) -> Shape:
        """Its retryStrategy: the request's, else the definition's."""
        default = self.definition.given.get("retryStrategy") or {}
        found: Shape = {"attempts": 1} | (self.given.get("retryStrategy") or default)
        return found

    @property
    def timeout_s(self) -> int | None:
        """The most that an attempt may take."""
        default = self.definition.given.get("timeout") or {}
        found: int | None = (self.given.get("timeout") or default).get("attemptDurationSeconds")
        return found

    def demands(self) -> list[demands.Demand]:
        """What each node asks of its host."""
        return [demands.of(each) for each in self.containers]

    def summary(self) -> dict[str, int]:
        """How many children are in each state."""
        count = Counter(child.status for child in self.children)
        return {state: count[state] for state in STATES}

    def move(self, status: str, reason: str = "") -> None:
        """Be in a state."""
        self.status, self.reason = status, reason

    def prepare(self) -> None:
        """Begin an attempt."""
        self.tasks = [Task(node, "STARTING") for node in range(len(self.containers))]
        self.move("STARTING")

    def end(self, status: str, reason: str, now: int) -> None:
        """End, and the array with its last child."""
        self.move(status, reason)
        self.stopped = now
        if self.parent:
            self.parent.child_ended(now)

    def child_ended(self, now: int) -> None:
        """End with the last child, as the worst of them did.

        https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html
        """
        if self.over or not all(child.over for child in self.children):
            return
        failed = any(child.status == "FAILED" for child in self.children)
        begun = [child.started for child in self.children if child.started is not None]
        self.started = min(begun) if begun else None
        reasons = {child.reason for child in self.children}
        reason = DEPENDENT if reasons == {DEPENDENT} else "Array Child Job failed"
        reason = (self.ended_for or reason) if failed else ""
        self.end("FAILED" if failed else "SUCCEEDED", reason, now)

    def ask_to_end(self, reason: str, terminate: bool) -> None:
        """Keep why it is to end, and that it was cancelled or terminated."""
        self.ended_for = reason
        self.cancelled, self.terminated = not terminate, terminate

    def halt(self, grace_s: float = GRACE_S) -> None:
        """Tell all its containers to end."""
        for task in self.tasks:
            task.halt.ask(grace_s)
