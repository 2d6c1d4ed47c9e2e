"""Writes a board from the events of an execution, as they come.

An event of AWS names its state only where the state is entered; what follows names the event
before it, so that branches which run side by side can be told apart:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from headrace import job_board
from headrace.board import Board, Failure, Stage

Event = dict[str, Any]

#: What `docs/contracts.md` calls the states of a stage, and which of them are work.
STEPS = ("prepare", "unload", "probe", "map", "look", *job_board.STEPS, "commit")
CLOSING = {"done": "done", "passed over": "passed over", "failed": "failed"}
_FAILURES = ("Failed", "TimedOut", "Aborted")


class History:
    """Reads events in order of their numbers, each once.

    Parameters
    ----------
    board : Board
        Is written.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.last = 0
        self._states: dict[int, str] = {}

    def read(self, events: Iterable[Event]) -> bool:
        """Read events, old ones and in any order; whether one of them was new."""
        new = sorted((e for e in events if e["id"] > self.last), key=lambda e: int(e["id"]))
        for event in new:
            self._read(event)
            self.last = event["id"]
        return bool(new)

    def _read(self, event: Event) -> None:
        kind: str = event["type"]
        if kind.startswith("Execution"):
            self._execution(kind.removeprefix("Execution"), event)
            return
        entered = event.get("stateEnteredEventDetails")
        state = entered["name"] if entered else self._states.get(event["previousEventId"], "")
        self._states[event["id"]] = state
        name, _, step = state.partition(": ")
        if name == "cluster" and self.board.cluster:
            if entered:
                self.board.cluster.enter(step, event["timestamp"])
            else:
                self.board.cluster.work(step, kind, _details(event), event["timestamp"])
            return
        stage = self.board.stages.get(name)
        if stage is None:
            if failure := _failure(kind, event, state):
                self.board.failure = failure  # of `begin`: it belongs to no stage
        elif entered:
            _enter(stage, step, event)
        else:
            _work(stage, step, kind, event)

    def _execution(self, what: str, event: Event) -> None:
        board = self.board
        if what == "Started":
            board.started = event["timestamp"]
            return
        board.ended = event["timestamp"]
        board.status = {"TimedOut": "TIMED_OUT"}.get(what, what.upper())
        told = _details(event)
        error, cause = str(told.get("error", "")), str(told.get("cause", ""))
        if error == "StageFailed":
            self._named(cause, event)
        elif what != "Succeeded" and board.failure is None:
            board.failure = Failure("", error or what, cause, event["timestamp"])
        _close(board)

    def _named(self, cause: str, event: Event) -> None:
        """Take over failures that only the execution's own error names."""
        for told in _json(cause) or []:
            stage = self.board.stages.get(told.get("stage", ""))
            if stage is not None and stage.failure is None:
                stage.state, stage.ended = "failed", event["timestamp"]
                cluster = self.board.cluster
                ours = cluster is not None and cluster.error and told.get("error") == cluster.error
                _fail(stage, _caught(told, "cluster" if ours else stage.step, event))


def _enter(stage: Stage, step: str, event: Event) -> None:
    stage.started = stage.started or event["timestamp"]
    if step in STEPS or step.startswith("step "):
        stage.state, stage.step, stage.why = "running", step, ""
        stage.asked[step] = _json(event["stateEnteredEventDetails"].get("input", "")) or {}
    elif step in CLOSING:
        stage.ended = event["timestamp"]
        stage.state = CLOSING[step]  # type: ignore[assignment]
        told = stage.gave.get("prepare", {}).get("why", "")
        stage.why = str(told) if step == "passed over" else ""
        if step == "failed" and not stage.failures:
            given = _json(event["stateEnteredEventDetails"].get("input", "")) or {}
            _fail(stage, _caught(given.get("error", given), stage.step, event))


def _work(stage: Stage, step: str, kind: str, event: Event) -> None:
    told = _details(event)
    if failure := _failure(kind, event, step):
        _fail(stage, failure)
    elif kind == "TaskScheduled" or kind == "LambdaFunctionScheduled":
        stage.asked[step] = _json(told.get("parameters") or told.get("input") or "") or {}
        if stage.failures and stage.state == "running" and stage.failures[-1].step == step:
            stage.why = f"again after {stage.failures[-1].error}"
    elif kind == "TaskSubmitted" and step == "unload":
        stage.query = (_json(told.get("output", "")) or {}).get("QueryExecutionId")
    elif kind == "TaskSubmitted" and step in job_board.STEPS:
        stage.job = (_json(told.get("output", "")) or {}).get("JobId")
    elif kind == "MapRunStarted":
        stage.map_run = told.get("mapRunArn")
    elif kind in ("TaskSucceeded", "LambdaFunctionSucceeded"):
        given = _json(told.get("output", ""))
        # lambda:invoke wraps what a function gives, a function's own ARN does not.
        payload = given.get("Payload", given) if isinstance(given, dict) else None
        stage.gave[step] = payload if isinstance(payload, dict) else {}


def _fail(stage: Stage, failure: Failure) -> None:
    stage.failures.append(failure)


def _failure(kind: str, event: Event, step: str) -> Failure | None:
    # ParallelStateFailed, MapStateFailed, TaskStateAborted: they say again what others said.
    if not kind.endswith(_FAILURES) or "State" in kind:
        return None
    told = _details(event)
    return Failure(
        step, str(told.get("error", kind)), str(told.get("cause", "")), event["timestamp"]
    )


def _caught(told: dict[str, Any], step: str, event: Event) -> Failure:
    """A failure as a Catch writes it into the data, or as the contract's `failed` lists it."""
    lower = {key.lower(): value for key, value in told.items() if isinstance(value, str)}
    return Failure(
        step, lower.get("error", "unknown error"), lower.get("cause", ""), event["timestamp"]
    )


def _close(board: Board) -> None:
    """Say what became of what the execution's end met on its way."""
    if board.cluster:
        board.cluster.close()
    for stage in board.stages.values():
        if stage.state == "running":
            stage.state, stage.ended = "stopped", board.ended
            stage.why = "the run was stopped" if board.status == "ABORTED" else "the run ended"
        elif stage.state == "queued":
            stage.why = board.why_queued(stage) if stage.waits else "the run ended before it"
            stage.state = "not begun"


def _details(event: Event) -> dict[str, Any]:
    """The one member of an event that tells what its type says."""
    for key, value in event.items():
        if key.endswith("EventDetails") and isinstance(value, dict):
            return value
    return {}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None  # AWS cuts long data: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
