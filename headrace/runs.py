"""Starts, finds and stops the runs of a study: executions of its state machine.

An execution is called ``<run>-<attempt>``: a run that is taken up again is the same run's next
attempt. One runs at a time, since two would replace each other's tables.
"""

from __future__ import annotations

import datetime
import json
import re
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace.board import followers
from headrace.errors import HeadraceError
from headrace.plan import Plan

RUN_ID = re.compile(r"[a-z0-9-]{1,60}")


class RunError(HeadraceError):
    """A run can't be started, found or stopped as it was asked for."""


@dataclass(frozen=True)
class Execution:
    """One attempt of a run.

    Parameters
    ----------
    arn : str
    run : str
        The run's id.
    attempt : int
        From 1.
    status : str
        As Step Functions says it: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
    started : datetime
    """

    arn: str
    run: str
    attempt: int
    status: str
    started: datetime.datetime

    @property
    def name(self) -> str:
        """What Step Functions calls it."""
        return self.arn.rsplit(":", 1)[1]


@dataclass(frozen=True)
class Wanted:
    """What a run is started with: ``docs/contracts.md``, The run."""

    run: str
    attempt: int = 1
    redo: Sequence[str] = ()
    only: Sequence[str] | None = None
    again: str | None = None
    workers: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The execution's name."""
        return f"{self.run}-{self.attempt}"

    def input(self) -> str:
        """The execution's input."""
        only = None if self.only is None else list(self.only)
        told = {"run": self.run, "attempt": self.attempt, "redo": list(self.redo), "only": only}
        told |= {"again": self.again}
        return json.dumps(told | ({"workers": dict(self.workers)} if self.workers else {}))


def new_id(now: datetime.datetime) -> str:
    """An id for a run: the time, and four hexadecimal digits for two of one second."""
    return f"{now.astimezone(datetime.UTC):%Y%m%dt%H%M%S}-{secrets.token_hex(2)}"


class Machine:
    """The state machine of a study's runs.

    Parameters
    ----------
    plan : Plan
    client : boto3 Step Functions client
    account : str
        Whose it is.

    Raises
    ------
    RunError
        Where the study has nothing to run.
    """

    def __init__(self, plan: Plan, client: Any, account: str) -> None:
        if not plan.runs:
            raise RunError(
                f"looking at the runs of {plan.study.name}",
                "only queries, and nothing to compute",
                f"Ask its queries with `headrace report {plan.study.name}`.",
            )
        self.plan, self.client = plan, client
        region = client.meta.region_name
        self.arn = f"arn:aws:states:{region}:{account}:stateMachine:{plan.machine}"

    def executions(self, status: str | None = None) -> Iterator[Execution]:
        """All executions, or those of a status, the newest first, as AWS lists them.

        Raises
        ------
        RunError
            Where the machine isn't deployed.
        """
        told = {"stateMachineArn": self.arn} | ({"statusFilter": status} if status else {})
        try:
            for page in self.client.get_paginator("list_executions").paginate(**told):
                found = sorted(page["executions"], key=lambda e: e["startDate"], reverse=True)
                yield from map(_execution, found)
        except self.client.exceptions.StateMachineDoesNotExist as error:
            raise RunError(
                f"looking for the state machine {self.plan.machine}",
                "that it isn't there",
                f"Deploy it first: `headrace deploy {self.plan.study.name}`.",
            ) from error

    def running(self) -> Execution | None:
        """The execution that runs now; the first of them where somebody started several."""
        return min(self.executions("RUNNING"), key=lambda e: e.started, default=None)

    def last(self, run: str | None = None) -> Execution:
        """The newest attempt of a run, or of the last run where none is named.

        Raises
        ------
        RunError
            Where there is none.
        """
        found: list[Execution] = []
        for one in self.executions():
            if run is None:
                return one
            if one.run == run or one.name == run:
                found.append(one)
        if found:
            return max(found, key=lambda e: (e.attempt, e.started))
        raise RunError(
            f"looking for {'run ' + repr(run) if run else 'a run'} of {self.plan.study.name}",
            "none (Step Functions forgets a run 90 days after its end)",
            f"Start one with `headrace run {self.plan.study.name}`,"
            f" or list them with `headrace runs {self.plan.study.name}`.",
        )

    def wanted(self, execution: Execution) -> Wanted:
        """What an execution was started with; a bare one's own name stands for the run."""
        told = self.client.describe_execution(executionArn=execution.arn)
        given = json.loads(told.get("input") or "{}")
        return Wanted(
            run=given.get("run") or execution.name,
            attempt=int(given.get("attempt") or 1),
            redo=tuple(given.get("redo") or ()),
            only=None if given.get("only") is None else tuple(given["only"]),
            again=given.get("again"),
            workers=dict(given.get("workers") or {}),
        )

    def start(self, wanted: Wanted) -> Execution:
        """Start an execution.

        Raises
        ------
        RunError
            Where one runs already.
        """
        if (now := self.running()) is not None:
            raise RunError(
                f"starting a run of {self.plan.study.name}",
                f"run {now.run} still running: two would replace each other's tables",
                f"Wait for it with `headrace run {self.plan.study.name}`,"
                f" or stop it with `headrace run {self.plan.study.name} --stop`.",
            )
        started = self.client.start_execution(
            stateMachineArn=self.arn, name=wanted.name, input=wanted.input()
        )
        return Execution(
            started["executionArn"], wanted.run, wanted.attempt, "RUNNING", started["startDate"]
        )

    def stop(self, execution: Execution) -> None:
        """Stop an execution; what is in a table stays there."""
        self.client.stop_execution(
            executionArn=execution.arn, error="Stopped", cause="headrace run --stop"
        )

    def resumed(
        self,
        last: Execution,
        stage: str | None,
        only: Sequence[str],
        done: Callable[[Execution], Collection[str]],
        workers: Mapping[str, int] | None = None,
    ) -> Wanted:
        """The next attempt of a run.

        Parameters
        ----------
        last : Execution
            Its newest attempt.
        stage : str or None
            From which stage on all is done anew; none does only what isn't done yet.
        only : sequence of str
            The stages that are wanted; those of the last attempt where empty.
        done : callable
            Gives the stages that an attempt has done. What the last one was to do anew, and
            hasn't, is still to do anew.
        workers : mapping, optional
            How many work at a stage, where that isn't to be as in the last attempt.

        Raises
        ------
        RunError
            Where nothing is left to do.
        StudyError
            Where there is no such stage.
        """
        before = self.wanted(last)
        redo = followers(self.plan, stage) if stage else []
        if before.redo:
            left = {*before.redo} - {*done(last)} | {*redo}
            redo = [s.name for s in self.plan.stages if s.name in left]
        if not redo and not only and last.status == "SUCCEEDED":
            raise RunError(
                f"resuming run {before.run}",
                "that all of it was done",
                "Name a stage to do anew with --from STAGE, or start a run of its own.",
            )
        kept: Sequence[str] | None = list(only) or before.only
        if kept is not None:
            kept = [s.name for s in self.plan.stages if s.name in {*kept, *redo}]
        count = {**before.workers, **(workers or {})}
        return Wanted(before.run, before.attempt + 1, redo, kept, workers=count)


def checked(plan: Plan, names: Sequence[str]) -> list[str]:
    """Names of stages, in the study's order.

    Raises
    ------
    StudyError
        For one that the study doesn't have.
    """
    found = {plan.stage(name).name for name in names}
    return [stage.name for stage in plan.stages if stage.name in found]


def _execution(told: dict[str, Any]) -> Execution:
    name = str(told["name"])
    run, _, attempt = name.rpartition("-")
    if not (run and attempt.isdigit() and len(attempt) < 4):
        run, attempt = name, "1"
    return Execution(told["executionArn"], run, int(attempt), told["status"], told["startDate"])
