"""One execution of a query: its states, times, and where its result lies.

QUEUED ─▶ RUNNING ─▶ SUCCEEDED | FAILED | CANCELLED
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud.engines.athena.errors import AthenaError, Cancelled
from localcloud.engines.athena.scopes import Fields

DONE = ("SUCCEEDED", "FAILED", "CANCELLED")


@dataclass
class Execution:
    """What GetQueryExecution tells, as it goes.

    Parameters
    ----------
    query : str
        As it was given.
    context : dict
        QueryExecutionContext.
    workgroup : str
    configuration : dict
        The ResultConfiguration in force, OutputLocation being the folder.
    parameters : list of str
        ExecutionParameters.
    """

    query: str
    context: dict[str, str]
    workgroup: str
    configuration: dict[str, Any]
    parameters: list[str]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "QUEUED"
    reason: str | None = None
    type: str = "DML"
    subtype: str | None = None
    output: str | None = None
    manifest: str | None = None
    fields: Fields = field(default_factory=list)
    header: bool = True
    rowless: bool = False
    rows: int = 0
    scanned: int = 0
    submitted: float = field(default_factory=time.time)
    begun: float | None = None
    planned: float | None = None
    run: float | None = None
    ended: float | None = None
    _interrupt: Callable[[], None] | None = None
    _stop: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> bool:
        """Start running; False where it was cancelled before."""
        with self._lock:
            if self.state != "QUEUED":
                return False
            self.state, self.begun = "RUNNING", time.time()
            return True

    def interruptible(self, interrupt: Callable[[], None] | None) -> None:
        """Say how to stop what runs now.

        Raises
        ------
        Cancelled
            Where it was to stop before.
        """
        with self._lock:
            self._interrupt = interrupt
            if self._stop:
                raise Cancelled()

    def stop(self) -> None:
        """Cancel it, wherever it is."""
        with self._lock:
            self._stop = True
            if self.state == "QUEUED":
                self.state, self.ended = "CANCELLED", time.time()
            elif self._interrupt:
                self._interrupt()

    def end(self, error: Exception | None = None) -> None:
        """Finish, with what went wrong or nothing."""
        with self._lock:
            self.ended, self._interrupt = time.time(), None
            if self._stop or isinstance(error, Cancelled):
                self.state, self.reason = (
                    "CANCELLED",
                    str(error or "") if isinstance(error, Cancelled) else None,
                )
                self.reason = self.reason or None
            elif error is not None:
                self.state, self.reason = "FAILED", str(error)
            else:
                self.state = "SUCCEEDED"

    def describe(self) -> dict[str, Any]:
        """As the API gives it."""
        status: dict[str, Any] = {"State": self.state, "SubmissionDateTime": self.submitted}
        if self.reason:
            status["StateChangeReason"] = self.reason
        if self.ended:
            status["CompletionDateTime"] = self.ended
        if self.state == "FAILED":
            status["AthenaError"] = {
                "ErrorCategory": 2,
                "ErrorType": 0,
                "Retryable": False,
                "ErrorMessage": self.reason or "",
            }
        output = {"OutputLocation": self.output} if self.output else {}
        told: dict[str, Any] = {
            "QueryExecutionId": self.id,
            "Query": self.query,
            "StatementType": self.type,
            "ResultConfiguration": self.configuration | output,
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
            "QueryExecutionContext": self.context,
            "Status": status,
            "Statistics": self.statistics(),
            "WorkGroup": self.workgroup,
            "EngineVersion": {
                "SelectedEngineVersion": "AUTO",
                "EffectiveEngineVersion": "Athena engine version 3",
            },
        }
        if self.subtype:
            told["SubstatementType"] = self.subtype
        if self.parameters:
            told["ExecutionParameters"] = self.parameters
        return told

    def statistics(self) -> dict[str, Any]:
        """Times in milliseconds, and bytes read."""
        now = self.ended or time.time()
        begun = self.begun or now
        planned = self.planned or begun
        run = self.run or self.planned or begun
        told: dict[str, Any] = {
            "DataScannedInBytes": self.scanned,
            "EngineExecutionTimeInMillis": _millis(now if not self.run else run, begun),
            "TotalExecutionTimeInMillis": _millis(now, self.submitted),
            "QueryQueueTimeInMillis": _millis(begun, self.submitted),
            "QueryPlanningTimeInMillis": _millis(planned, begun),
            "ServicePreProcessingTimeInMillis": 0,
            "ServiceProcessingTimeInMillis": _millis(now, run) if self.run else 0,
            "ResultReuseInformation": {"ReusedPreviousResult": False},
        }
        if self.manifest:
            told["DataManifestLocation"] = self.manifest
        return told


def _millis(end: float, start: float) -> int:
    return max(0, round((end - start) * 1000))


def reason(error: Exception) -> Exception:
    """An error as one whose text can stand as StateChangeReason."""
    if isinstance(error, (AthenaError, Cancelled)):
        return error
    return AthenaError("GENERIC_INTERNAL_ERROR", f"{type(error).__name__}: {error}")
