"""Map runs and their children: what DescribeMapRun counts, each child an execution of its own."""

from __future__ import annotations

import datetime
import json
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from moto.stepfunctions.exceptions import ResourceNotFound

from localcloud.engines.states.clients import iso

STATUSES = {
    "PENDING": "pending",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "TIMED_OUT": "timedOut",
    "ABORTED": "aborted",
}


@dataclass
class Child:
    """One child execution; its fields are named as moto's Execution names them.

    Parameters
    ----------
    state_machine : object
        The parent's machine, as it was when the parent began.
    """

    index: int
    map_run_arn: str
    state_machine_arn: str
    given: Any
    name: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "PENDING"
    start_date: datetime.datetime | None = None
    stop_date: datetime.datetime | None = None
    output: Any = None
    error: str | None = None
    cause: str | None = None
    env: Any = None
    state_machine: Any = None

    @property
    def execution_arn(self) -> str:
        """Its ARN."""
        return f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:{self.name}"

    @property
    def execution_input(self) -> str:
        """Its input as text."""
        return json.dumps(self.given, separators=(",", ":"))

    def to_history_output(self) -> dict[str, Any]:
        """Its events."""
        return {"events": self.env.event_manager.get_event_history() if self.env else []}

    def stop(self, stop_date: Any, error: str | None, cause: str | None) -> None:
        """End it; the map run goes on."""
        if self.env:
            self.env.set_stop(stop_date=stop_date, cause=cause, error=error)

    def written(self) -> dict[str, Any]:
        """Itself as ResultWriter writes it.

        https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
        """
        told: dict[str, Any] = {
            "ExecutionArn": self.execution_arn,
            "Input": self.execution_input,
            "InputDetails": {"Included": True},
            "Name": self.name,
            "RedriveCount": 0,
            "RedriveStatus": "NOT_REDRIVABLE",
            "StateMachineArn": self.state_machine_arn,
            "Status": self.status,
        }
        for key, date in (("StartDate", self.start_date), ("StopDate", self.stop_date)):
            if date:
                told[key] = iso(date)
        if self.status == "SUCCEEDED":
            told["Output"] = json.dumps(self.output, separators=(",", ":"))
            told["OutputDetails"] = {"Included": True}
        for key, text in (("Error", self.error), ("Cause", self.cause)):
            if text:
                told[key] = text
        return told


class MapRun:
    """One run of a distributed Map, in moto's MapRunRecord's place.

    Parameters
    ----------
    machine_arn, execution_arn : str
        Of the execution that it is part of.
    concurrency : int
        MaxConcurrency; 0 for none.
    count : int
    percentage : float
        How many, and what share of, children may fail. 0 says nothing where the other is given.
    """

    def __init__(
        self,
        machine_arn: str,
        execution_arn: str,
        label: str | None,
        concurrency: int,
        count: int,
        percentage: float,
    ) -> None:
        label = label or str(uuid.uuid4())
        self.execution_arn, self.concurrency = execution_arn, concurrency
        self.count, self.percentage = count, percentage
        self.state_machine_arn = f"{machine_arn}/{label}"
        self.id = str(uuid.uuid4())
        runs = machine_arn.replace(":stateMachine:", ":mapRun:")
        self.map_run_arn = f"{runs}/{label}:{self.id}"
        self.status = "RUNNING"
        self.start_date = datetime.datetime.now(datetime.UTC)
        self.stop_date: datetime.datetime | None = None
        self.children: list[Child] = []
        self.results_written = 0
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def fill(self, items: list[Any], machine: Any) -> None:
        """Take the items that it is over: a child for each, in their order."""
        self.children = [
            Child(index, self.map_run_arn, self.state_machine_arn, item, state_machine=machine)
            for index, item in enumerate(items)
        ]
        self._counts["PENDING"] = len(items)

    def move(self, child: Child, status: str) -> None:
        """Have a child in another status."""
        now = datetime.datetime.now(datetime.UTC)
        with self._lock:
            self._counts[child.status] -= 1
            self._counts[status] += 1
            if status == "RUNNING":
                child.start_date = now
            else:
                child.stop_date = now
            child.status = status

    @property
    def too_many_failed(self) -> bool:
        """Whether more failed than are tolerated.

        https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html: with
        none of the two given, one that fails is too many.
        """
        with self._lock:
            failed = self._counts["FAILED"] + self._counts["TIMED_OUT"]
        if not self.count and not self.percentage:
            return failed > 0
        share = 100 * failed / max(1, len(self.children))
        return bool(
            (self.count and failed > self.count) or (self.percentage and share > self.percentage)
        )

    def end(self, status: str) -> None:
        """Say how it ended."""
        self.stop_date = datetime.datetime.now(datetime.UTC)
        self.status = status

    def describe(self) -> dict[str, Any]:
        """As DescribeMapRun tells it."""
        with self._lock:
            counts = {name: self._counts[status] for status, name in STATUSES.items()}
        counts |= {"total": len(self.children), "resultsWritten": self.results_written}
        told = {
            "mapRunArn": self.map_run_arn,
            "executionArn": self.execution_arn,
            "status": self.status,
            "startDate": self.start_date,
            "maxConcurrency": self.concurrency,
            "toleratedFailurePercentage": self.percentage,
            "toleratedFailureCount": self.count,
            "itemCounts": counts,
            "executionCounts": counts,
            "redriveCount": 0,
        }
        return told | ({"stopDate": self.stop_date} if self.stop_date else {})

    def list_item(self) -> dict[str, Any]:
        """As ListMapRuns tells it."""
        told = {
            "executionArn": self.execution_arn,
            "mapRunArn": self.map_run_arn,
            "stateMachineArn": self.state_machine_arn,
            "startDate": self.start_date,
        }
        return told | ({"stopDate": self.stop_date} if self.stop_date else {})


def _runs(backend: Any) -> Iterator[MapRun]:
    for machine in backend.state_machines:
        for execution in machine.executions:
            yield from execution.exec_worker.env.map_run_record_pool_manager.get_all()


def child_of(backend: Any, arn: str) -> Child | None:
    """The child execution of an ARN."""
    for run in _runs(backend):
        if arn.startswith(run.state_machine_arn.replace(":stateMachine:", ":execution:")):
            for child in run.children:
                if child.execution_arn == arn and child.status != "PENDING":
                    return child
    return None


def children_of(backend: Any, map_run_arn: str) -> list[Child]:
    """The children of a map run that have begun."""
    return [child for child in run_of(backend, map_run_arn).children if child.status != "PENDING"]


def run_of(backend: Any, map_run_arn: str) -> MapRun:
    """The map run of an ARN.

    Raises
    ------
    ResourceNotFound
    """
    for run in _runs(backend):
        if run.map_run_arn == map_run_arn:
            return run
    raise ResourceNotFound(map_run_arn)
