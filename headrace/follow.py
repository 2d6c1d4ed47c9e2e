"""Follows a run: asks Step Functions what is new, and others how far a stage is within a step.

What is asked: one page of new events a turn; a map run, a query or a job only while it runs. Turns
are as far apart as their calls want at two calls a second, far below what an account may ask:
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from headrace import board as boards
from headrace import job_board
from headrace.board import Board, Stage
from headrace.job_board import Jobs
from headrace.plan import Plan
from headrace.run_history import Event, History
from headrace.runs import Execution

#: Seconds that one call costs of a turn.
CALL_S = 0.5
#: Events of a page: the most that AWS gives, and what a turn usually finds.
ALL, NEW = 1000, 50


class Told(Protocol):
    """How far a stage is inside of a step, whoever runs that."""

    def words(self) -> str:
        """It in words."""


@dataclass(frozen=True)
class Progress:
    """How far a stage is inside of its step.

    Parameters
    ----------
    done, of : int
        Items of a Map: tried, and all. Both 0 for a query.
    batches_done, batches : int
        The same in batches, that is calls of the function.
    failed : int
        Batches that failed for good.
    scanned_bytes : int
        What a query has read.
    """

    done: int = 0
    of: int = 0
    batches_done: int = 0
    batches: int = 0
    failed: int = 0
    scanned_bytes: int = 0

    def words(self) -> str:
        """It in words."""
        if not self.batches:
            return f"Athena, {self.scanned_bytes / 2**20:,.1f} MiB scanned"
        failed = f", {self.failed:,} failed" if self.failed else ""
        return (
            f"{self.done:,} of {self.of:,} items,"
            f" {self.batches_done:,} of {self.batches:,} batches{failed}"
        )


class Follower:
    """Keeps the board of one execution up to date.

    Parameters
    ----------
    plan : Plan
    execution : Execution
    states, athena : boto3 clients
        Of Step Functions and of Athena.
    jobs : Jobs, optional
        Asks Batch; without it nobody says how far a job is.
    """

    def __init__(
        self, plan: Plan, execution: Execution, states: Any, athena: Any, jobs: Jobs | None = None
    ) -> None:
        self.board: Board = boards.empty(plan, execution.run, execution.attempt)
        self.progress: dict[str, Told] = {}
        self._jobs = jobs
        self.calls = 0
        self.execution, self._states, self._athena = execution, states, athena
        self._history = History(self.board)

    def turn(self) -> bool:
        """Ask once; whether anything is new."""
        before = dict(self.progress)
        new = self._history.read(self._events())
        for stage in self.board.stages.values():
            if stage.state == "running" and not self.board.over:
                self._measure(stage)
        return new or before != self.progress

    def turns(self, sleep: Callable[[float], None] = time.sleep) -> Iterator[Board]:
        """Give the board after each turn, until the run is over."""
        while True:
            self.calls = 0
            self.turn()
            yield self.board
            if self.board.over:
                return
            sleep(CALL_S * self.calls)

    def _events(self) -> Iterator[Event]:
        """What is new: all pages at first, then the newest until one is known."""
        known = self._history.last
        words: dict[str, Any] = {"executionArn": self.execution.arn}
        words |= {"maxResults": NEW, "reverseOrder": True} if known else {"maxResults": ALL}
        while True:
            self.calls += 1
            page = self._states.get_execution_history(**words)
            yield from page["events"]
            more = page.get("nextToken")
            if not more or (known and any(event["id"] <= known for event in page["events"])):
                return
            words["nextToken"] = more

    def _measure(self, stage: Stage) -> None:
        if stage.step == "map" and stage.map_run:
            self.calls += 1
            found = self._states.describe_map_run(mapRunArn=stage.map_run)
            self.progress[stage.name] = of_map(stage, found["itemCounts"])
        elif stage.step == "unload" and stage.query:
            self.calls += 1
            found = self._athena.get_query_execution(QueryExecutionId=stage.query)
            scanned = found["QueryExecution"].get("Statistics", {}).get("DataScannedInBytes", 0)
            self.progress[stage.name] = Progress(scanned_bytes=scanned)
        elif stage.step in job_board.STEPS and stage.job and self._jobs:
            self.calls += 2  # the job, and its log or its copies
            told = self._jobs.progress(stage.job)
            self.progress[stage.name], stage.why = told, told.why
        else:
            self.progress.pop(stage.name, None)


def of_map(stage: Stage, counts: dict[str, int]) -> Progress:
    """How far a map run is; its items are our batches, the last of which may be short."""
    probe = stage.gave.get("probe", {})
    total = max(counts.get("total", 0), int(probe.get("batches") or 0))
    failed = counts.get("failed", 0) + counts.get("timedOut", 0) + counts.get("aborted", 0)
    ended = counts.get("succeeded", 0) + failed
    items = int(probe.get("items") or 0)
    done = items if total and ended == total else ended * int(probe.get("batch_items") or 1)
    return Progress(min(done, items), items, ended, total, failed)
