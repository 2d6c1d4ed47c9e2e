"""One step: its states and times, and how it is described.

PENDING ─▶ RUNNING ─▶ COMPLETED | FAILED | CANCELLED | INTERRUPTED
        └▶ CANCELLED
"""

from __future__ import annotations

import secrets
import string
import threading
from dataclasses import dataclass, field
from typing import Any

ACTIVE = ("PENDING", "CANCEL_PENDING", "RUNNING")

_ALPHABET = string.ascii_uppercase + string.digits


def new_id(prefix: str) -> str:
    """An id as EMR's: the prefix and 13 capitals and digits."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(13))


@dataclass
class Step:
    """A step of one cluster.

    Parameters
    ----------
    given : dict
        StepConfig.
    created : float
        Seconds since 1970.
    role : str or None
        ExecutionRoleArn.
    """

    given: dict[str, Any]
    created: float
    role: str | None = None
    id: str = field(default_factory=lambda: new_id("s-"))
    state: str = "PENDING"
    message: str = ""
    failure: dict[str, str] = field(default_factory=dict)
    started: float | None = None
    ended: float | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def action(self) -> str:
        """What is to be done when it fails."""
        return str(self.given.get("ActionOnFailure") or "TERMINATE_CLUSTER")

    @property
    def args(self) -> list[str]:
        """The words of its command."""
        return list(self.given["HadoopJarStep"].get("Args") or [])

    def begin(self, now: float) -> None:
        """Run."""
        self.state, self.started = "RUNNING", now

    def end(self, state: str, now: float, message: str = "", **failure: str) -> None:
        """Be over."""
        self.state, self.ended, self.message = state, now, message
        self.failure = {key: text for key, text in failure.items() if text}

    def describe(self) -> dict[str, Any]:
        """As DescribeStep and ListSteps give it."""
        jar = self.given["HadoopJarStep"]
        told: dict[str, Any] = {
            "Id": self.id,
            "Name": self.given["Name"],
            "Config": {
                "Jar": jar["Jar"],
                "Properties": {p["Key"]: p.get("Value", "") for p in jar.get("Properties") or []},
                "Args": self.args,
            },
            "ActionOnFailure": self.action,
            "Status": self._status(),
        }
        if self.role:
            told["ExecutionRoleArn"] = self.role
        return told

    def _status(self) -> dict[str, Any]:
        times = {
            "CreationDateTime": self.created,
            "StartDateTime": self.started,
            "EndDateTime": self.ended,
        }
        status: dict[str, Any] = {
            "State": self.state,
            "StateChangeReason": {"Message": self.message} if self.message else {},
            "Timeline": {name: when for name, when in times.items() if when is not None},
        }
        if self.failure:
            status["FailureDetails"] = self.failure
        return status
