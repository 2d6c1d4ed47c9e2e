"""Writes histories of executions as GetExecutionHistory gives them, a stage at a time.

Shapes: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from typing import Any

from headrace import plan as plans
from headrace.plan import Plan
from headrace.stages import Map, Query, Stage
from headrace.study import Study, Table

START = datetime.datetime(2026, 11, 22, 10, 0, tzinfo=datetime.UTC)
MAP_RUN = "arn:aws:states:us-east-1:123456789012:mapRun:headrace-t-run/words:1f0e"
RUN = "20261122t100000-ab12"


@dataclass(frozen=True)
class Line:
    number: int
    text: str


@dataclass(frozen=True)
class Length:
    number: int
    words: int


def study_of(*stages: Stage, tables: bool = True) -> Plan:
    """The plan of a study of the tests' own."""
    return plans.plan_of(
        Study("t", "How long?", tables=[Table("lines", Line)] if tables else (), stages=stages)
    )


def a_map(name: str, items: str, **words: Any) -> Map:
    return Map(name, fn="studies.t.words:count", items=items, produces=Length, **words)


def two_stages() -> Plan:
    """`longest` reads what `words` makes."""
    return study_of(
        a_map("words", "SELECT number, text FROM lines"),
        Query("longest", "SELECT number FROM words ORDER BY words DESC LIMIT 3"),
    )


@dataclass
class Writer:
    """Events one after another, one second apart; `after` is the branch that goes on."""

    events: list[dict[str, Any]] = field(default_factory=list)
    after: int = 0
    start: datetime.datetime = START

    def add(self, kind: str, **details: Any) -> int:
        number = len(self.events) + 1
        name = "".join(part.capitalize() if i else part for i, part in enumerate(_words(kind)))
        told = {f"{name}EventDetails": details} if details else {}
        if kind.endswith("StateEntered"):
            told = {"stateEnteredEventDetails": details}
        when = self.start + datetime.timedelta(seconds=number)
        event = {"id": number, "previousEventId": self.after, "type": kind, "timestamp": when}
        self.events.append(event | told)
        self.after = number
        return number

    def begin(self) -> Writer:
        self.add("ExecutionStarted", input="{}", roleArn="arn:aws:iam::1:role/r")
        return self.task("begin", {"run": RUN, "attempt": 1})

    def enter(self, state: str, kind: str = "Pass", data: Any = None) -> Writer:
        self.add(f"{kind}StateEntered", name=state, input=json.dumps(data or {}))
        return self

    def scheduled(self, state: str, payload: dict[str, Any] | None = None) -> Writer:
        self.enter(state, "Task")
        parameters = {"FunctionName": "f", "Payload": payload or {}}
        self._about("TaskScheduled", parameters=json.dumps(parameters))
        self._about("TaskStarted")
        return self

    def task(
        self, state: str, gives: dict[str, Any], payload: dict[str, Any] | None = None
    ) -> Writer:
        self.scheduled(state, payload)
        self._about("TaskSucceeded", output=json.dumps({"Payload": gives, "StatusCode": 200}))
        self.add("TaskStateExited", name=state, output="{}")
        return self

    def fails(self, error: str, cause: str | dict[str, Any]) -> Writer:
        text = cause if isinstance(cause, str) else json.dumps(cause)
        self._about("TaskFailed", error=error, cause=text)
        return self

    def _about(self, kind: str, **more: str) -> int:
        return self.add(kind, resourceType="lambda", resource="invoke", **more)

    def prepared(self, stage: str, *, todo: bool = True, why: str = "it was never done") -> Writer:
        prefix = f"runs/{RUN}/{stage}/1-0a1b2c3d/"
        sql = "UNLOAD (\nSELECT number,\n  txt FROM lines\n) TO 's3://b/' WITH (format='PARQUET')"
        given = {"todo": todo, "why": why, "prefix": prefix, "sql": sql}
        self.task(f"{stage}: prepare", given)
        self.enter(f"{stage}: to do?", "Choice")
        return self

    def unload(self, stage: str, *, ends: bool = True) -> Writer:
        self.enter(f"{stage}: unload", "Task")
        about = {"resourceType": "athena", "resource": "startQueryExecution.sync"}
        self.add("TaskScheduled", **about, parameters=json.dumps({"QueryString": "UNLOAD"}))
        self.add("TaskStarted", **about)
        self.add("TaskSubmitted", **about, output=json.dumps({"QueryExecutionId": "q-1"}))
        if ends:
            told = {"QueryExecution": {"QueryExecutionId": "q-1"}}
            self.add("TaskSucceeded", **about, output=json.dumps(told))
        return self

    def probed(self, stage: str, items: int = 100, batch_items: int = 30) -> Writer:
        batches = -(-items // batch_items)
        told = {"items": items, "batches": batches, "batch_items": batch_items}
        return self.task(f"{stage}: probe", told | {"batch_timeout_s": 60, "concurrency": 8})

    def mapping(self, stage: str) -> Writer:
        self.enter(f"{stage}: map", "Map")
        self.add("MapRunStarted", mapRunArn=MAP_RUN)
        return self

    def committed(self, stage: str, rows: int = 90, quarantined: int = 10) -> Writer:
        self.task(f"{stage}: commit", {"rows": rows, "quarantined": quarantined, "checksum": "x"})
        return self.enter(f"{stage}: done")

    def whole_map(self, stage: str) -> Writer:
        self.prepared(stage).unload(stage).probed(stage).mapping(stage)
        self.add("MapRunSucceeded")
        return self.committed(stage)

    def ended(self, how: str, **details: str) -> list[dict[str, Any]]:
        self.add(f"Execution{how}", **details)
        return self.events

    def stage_failed(self, *failed: tuple[str, str, str]) -> list[dict[str, Any]]:
        """The execution's end where stages failed."""
        named = [{"stage": s, "error": e, "cause": c} for s, e, c in failed]
        return self.ended("Failed", error="StageFailed", cause=json.dumps(named))


def _words(kind: str) -> list[str]:
    words, word = [], ""
    for letter in kind:
        if letter.isupper() and word:
            words.append(word.lower())
            word = ""
        word += letter
    return [*words, word.lower()]
