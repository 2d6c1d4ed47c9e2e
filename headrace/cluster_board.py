"""What the cluster of a run is at: queued, creating, running, ending, terminated, or none."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any, Literal

State = Literal[
    "queued", "creating", "running", "ending", "terminated", "not wanted", "failed", "left"
]

#: Kinds of the stages that a cluster runs.
KINDS = ("mapreduce", "spark")


@dataclass
class Cluster:
    """The cluster of a run as far as it is known.

    Parameters
    ----------
    idle_s : int
        Seconds without a step after which EMR ends it, where nobody does.
    id : str
        EMR's id of it, ``j-…``; empty until it is asked for.
    why : str
        In words: for which stages it is, or why it is as it is.
    error, cause : str
        What failed it.
    """

    idle_s: int
    state: State = "queued"
    id: str = ""
    why: str = ""
    started: datetime.datetime | None = None
    ended: datetime.datetime | None = None
    error: str = ""
    cause: str = ""

    def seconds(self, now: datetime.datetime) -> float | None:
        """Seconds from when it was asked for to its end, so far."""
        if self.started is None:
            return None
        return max(0.0, ((self.ended or now) - self.started).total_seconds())

    def words(self) -> str:
        """Its id, and what there is to say of it."""
        return ", ".join(part for part in (self.id, self.why) if part)

    def document(self, now: datetime.datetime) -> dict[str, Any]:
        """It as JSON would have it."""
        seconds = self.seconds(now)
        return {
            "id": self.id or None,
            "state": self.state,
            "seconds": None if seconds is None else round(seconds, 3),
            "why": self.why or None,
        }

    def enter(self, step: str, at: datetime.datetime) -> None:
        """Take notice of a state that the machine enters."""
        if step == "create":
            self.state, self.started = "creating", self.started or at
        elif step == "terminate":
            self.state = "ending"

    def work(self, step: str, kind: str, told: dict[str, Any], at: datetime.datetime) -> None:
        """Take notice of an event within a state."""
        if kind.endswith(("Failed", "TimedOut")) and "State" not in kind:
            self.state = "failed"
            self.error, self.cause = str(told.get("error", kind)), str(told.get("cause", ""))
            self.why = f"{step}: {self.error}"
            self.ended = at if step == "create" else None
            return
        given = _json(told.get("output", ""))
        if step == "prepare" and kind in ("TaskSucceeded", "LambdaFunctionSucceeded"):
            gave = given.get("Payload", given)
            self.why = str(gave.get("why", ""))
            if gave.get("todo") is False:
                self.state = "not wanted"
        elif step == "create" and kind in ("TaskSubmitted", "TaskSucceeded"):
            self.id = str(given.get("ClusterId") or given.get("JobFlowId") or self.id)
            if kind == "TaskSucceeded":
                self.state = "running"
        elif step == "terminate" and kind == "TaskSucceeded":
            self.state, self.ended = "terminated", at

    def close(self) -> None:
        """Say what becomes of it where the execution ended without ending it."""
        if self.state in ("creating", "running", "ending"):
            self.state = "left"
            self.why = f"EMR ends it after {self.idle_s} s without a step"
        elif self.state == "queued":
            self.state = "not wanted"


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
