"""What each stage of a run is at: queued and why, running, done, passed over, failed.

Plain data. :mod:`headrace.run_history` writes it from a state machine's events, the command line
shows it.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Literal

from headrace.causes import read_cause
from headrace.cluster_board import KINDS, Cluster
from headrace.graph import Node, Series
from headrace.plan import Plan

State = Literal["queued", "running", "done", "passed over", "failed", "not begun", "stopped"]

#: Statuses of an execution that has ended:
#: https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@dataclass
class Failure:
    """An error that a step met: its name, its cause as it came, and the event's time."""

    step: str
    error: str
    cause: str
    at: datetime.datetime


@dataclass
class Stage:
    """One stage as far as it is known.

    Parameters
    ----------
    name, kind : str
        Its name; `map`, `mapreduce`, `spark`, `mpi`, `batch` or `query`.
    waits : tuple of str
        The stages that the machine has behind it before it begins this one.
    why : str
        Why it is queued, passed over or not begun; in words.
    step : str
        The step that it is at, or ended with.
    gave : dict
        What each of its steps gave, by the step's name.
    facts : dict
        What its program noted beside its rows.
    failures : list of Failure
        All that it met, also what a retry mended. The last one failed it, where it did.
    """

    name: str
    kind: str
    waits: tuple[str, ...] = ()
    state: State = "queued"
    why: str = ""
    step: str = ""
    started: datetime.datetime | None = None
    ended: datetime.datetime | None = None
    gave: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    query: str | None = None
    map_run: str | None = None
    job: str | None = None
    failures: list[Failure] = field(default_factory=list)

    @property
    def failure(self) -> Failure | None:
        """What failed it."""
        return self.failures[-1] if self.state == "failed" and self.failures else None

    @property
    def rows(self) -> int | None:
        """Rows of its table."""
        return self._committed("rows")

    @property
    def quarantined(self) -> int | None:
        """What it rejected."""
        return self._committed("quarantined")

    def _committed(self, what: str) -> int | None:
        found = self.gave.get("commit", {}).get(what)
        return found if isinstance(found, int) else None

    def seconds(self, now: datetime.datetime) -> float | None:
        """Seconds that it ran, so far; never below 0, whatever the clocks say."""
        if self.started is None or self.state == "passed over":
            return None
        return max(0.0, ((self.ended or now) - self.started).total_seconds())


@dataclass
class Board:
    """A run's stages, in the order of the study.

    Parameters
    ----------
    run : str
        The run's id.
    attempt : int
        Which execution of it this is, from 1.
    status : str
        The execution's, as Step Functions says it.
    failure : Failure, optional
        What ended the execution, where that was no stage.
    cluster : Cluster, optional
        The run's, where some of its stages want one.
    """

    run: str
    attempt: int
    stages: dict[str, Stage]
    status: str = "RUNNING"
    started: datetime.datetime | None = None
    ended: datetime.datetime | None = None
    failure: Failure | None = None
    cluster: Cluster | None = None

    @property
    def over(self) -> bool:
        """Whether the execution has ended."""
        return self.status in ENDED

    @property
    def failed(self) -> list[Stage]:
        """The stages that failed, the first one first."""
        found = [stage for stage in self.stages.values() if stage.failure]
        return sorted(found, key=lambda stage: stage.failures[-1].at)

    def why_queued(self, stage: Stage) -> str:
        """What a queued stage waits for."""
        missing = [n for n in stage.waits if self.stages[n].state not in ("done", "passed over")]
        if missing:
            return f"waits for {', '.join(missing)}"
        if self.cluster and stage.kind in KINDS and self.cluster.state == "creating":
            return f"waits for the cluster {self.cluster.id}".rstrip()
        return "about to begin"

    def document(self, now: datetime.datetime) -> dict[str, Any]:
        """All of it as JSON would have it."""
        return {
            "run": self.run,
            "attempt": self.attempt,
            "status": self.status,
            "stages": [_told(self, stage, now) for stage in self.stages.values()],
            **({"cluster": self.cluster.document(now)} if self.cluster else {}),
        }


def _told(board: Board, stage: Stage, now: datetime.datetime) -> dict[str, Any]:
    seconds = stage.seconds(now)
    return {
        "name": stage.name,
        "state": stage.state,
        "step": stage.step or None,
        "seconds": None if seconds is None else round(seconds, 3),
        "rows": stage.rows,
        "quarantined": stage.quarantined,
        "why": (board.why_queued(stage) if stage.state == "queued" else stage.why) or None,
        "error": error_line(stage.failure) if stage.failure else None,
        **({"facts": stage.facts} if stage.facts else {}),
    }


def error_line(failure: Failure) -> str:
    """A failure in a line: the error's name and the first line of what it says."""
    said = read_cause(failure.error, failure.cause)
    line = " ".join(said.message.split("\n", 1)[0].split())
    return f"{said.error}: {line}" if line else said.error


def empty(plan: Plan, run: str, attempt: int) -> Board:
    """The board of a run of which nothing is known yet."""
    earlier = before(plan.order)
    stages = {s.name: Stage(s.name, s.kind, earlier[s.name]) for s in plan.stages}
    cluster = Cluster(plan.study.cluster.idle_s) if plan.emr else None
    return Board(run, attempt, stages, cluster=cluster)


def before(node: Node, earlier: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """The stages that the machine has behind it when it begins each stage."""
    if isinstance(node, str):
        return {node: earlier}
    found: dict[str, tuple[str, ...]] = {}
    for part in node.steps if isinstance(node, Series) else node.branches:
        inside = before(part, earlier)
        found |= inside
        if isinstance(node, Series):
            earlier = (*earlier, *inside)
    return found


def followers(plan: Plan, name: str) -> list[str]:
    """A stage and every stage that reads what it makes, at whatever distance; in study order."""
    makers = {s.table.name: s.name for s in plan.stages if s.table}
    needs = {s.name: {makers[t] for t in s.reads if t in makers} for s in plan.stages}
    found = {plan.stage(name).name}
    while more := {n for n, wanted in needs.items() if found & wanted} - found:
        found |= more
    return [s.name for s in plan.stages if s.name in found]
