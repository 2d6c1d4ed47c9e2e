"""One build and its phases, as BatchGetBuilds tells them."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from localcloud.engines.images.codebuild.errors import PhaseError

Shape = dict[str, Any]


@dataclass
class Build:
    """A build.

    Parameters
    ----------
    project : dict
        As this build has it, its overrides put in.
    number : int
        Counted by project.
    arn : callable
        Gives the ARN of what is told, in CodeBuild.
    now : callable
        Seconds since 1970.
    """

    project: Shape
    number: int
    arn: Callable[[str], str]
    now: Callable[[], float] = time.time
    status: str = "IN_PROGRESS"
    logs: Shape = field(default_factory=dict)
    resolved: str = ""
    phases: list[Shape] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.uuid = str(uuid.uuid4())
        self.id = f"{self.project['name']}:{self.uuid}"
        self.started, self.ended = self._time(), 0.0
        self._lock = threading.Lock()
        with self.phase("SUBMITTED"):
            pass

    def _time(self) -> float:
        return round(self.now(), 3)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Be in a phase; what is raised in it is its status, and the build's.

        Other errors than PhaseError are faults of ours: the phase says FAULT.
        """
        told: Shape = {"phaseType": name, "startTime": self._time()}
        with self._lock:
            self.phases.append(told)
        status, contexts = "SUCCEEDED", [{"statusCode": "", "message": ""}]
        try:
            yield
        except PhaseError as fault:
            status, contexts = fault.status, [{"statusCode": fault.code, "message": str(fault)}]
            raise
        except Exception as fault:
            status = "FAULT"
            contexts = [{"statusCode": "INTERNAL_SERVICE_ERROR", "message": repr(fault)}]
            raise
        finally:
            end = self._time()
            with self._lock:
                told |= {"phaseStatus": status, "contexts": contexts, "endTime": end}
                told["durationInSeconds"] = int(end - told["startTime"])

    def end(self, status: str) -> None:
        """Be over."""
        with self._lock:
            self.ended = self._time()
            self.phases.append({"phaseType": "COMPLETED", "startTime": self.ended})
            self.status = status
        self.over.set()

    def told(self) -> Shape:
        """Give the build's shape, as it is now."""
        project = self.project
        with self._lock:
            phases = [dict(each) for each in self.phases]
            found: Shape = {
                "id": self.id,
                "arn": self.arn(f"build/{self.id}"),
                "buildNumber": self.number,
                "startTime": self.started,
                "currentPhase": phases[-1]["phaseType"],
                "buildStatus": self.status,
                "buildComplete": self.status != "IN_PROGRESS",
                "projectName": project["name"],
                "phases": phases,
                "source": project["source"],
                "secondarySources": [],
                "secondarySourceVersions": [],
                "artifacts": {"location": ""},
                "cache": project["cache"],
                "environment": project["environment"],
                "serviceRole": project["serviceRole"],
                "logs": self.logs,
                "timeoutInMinutes": project["timeoutInMinutes"],
                "queuedTimeoutInMinutes": project["queuedTimeoutInMinutes"],
                "initiator": "localcloud",
                "encryptionKey": project["encryptionKey"],
            }
            if self.ended:
                found["endTime"] = self.ended
        if "sourceVersion" in project:
            found["sourceVersion"] = project["sourceVersion"]
        return found | ({"resolvedSourceVersion": self.resolved} if self.resolved else {})
