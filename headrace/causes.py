"""Reads what Step Functions keeps as an error's cause: a service's JSON, or text.

Lambda's is what a function raised; Athena's, EMR's and Batch's is what they describe.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

#: A user's own file in a traceback: studies lie in /var/task/studies/ of a function's zip, and
#: programs in program/ on a cluster's nodes, or in a folder of a container.
_FRAME = re.compile(
    r'File "(?P<file>[^"]*?(?P<own>(?:studies|emr_steps|tasks)/[^"]+))", line (?P<line>\d+)'
    r"(, in (?P<in>\S+))?"
)
_REQUEST = re.compile(r"RequestId: (?P<id>[0-9a-f-]{36})(?: Error: )?")


@dataclass(frozen=True)
class Cause:
    """What an error's cause says.

    Parameters
    ----------
    error : str
        The error's own name: the exception's type where a function raised it.
    message : str
        What it says, without the request's id.
    frame : str
        The innermost frame of the user's own file, ``studies/…:line in function``; may be empty.
    request : str
        Id of the function's call; may be empty.
    query : str
        Id of the Athena query; may be empty.
    log : str
        URI of the log of a cluster's step; may be empty.
    stream : str
        Log stream of a job's container; may be empty.
    exit : int, optional
        With which it ended.
    """

    error: str
    message: str
    frame: str = ""
    request: str = ""
    query: str = ""
    log: str = ""
    stream: str = ""
    exit: int | None = None


def read_cause(error: str, cause: str) -> Cause:
    """Read an error and its cause as an event of an execution's history has them."""
    try:
        told = json.loads(cause)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return _of_text(error, cause)
    if "QueryExecution" in told or "StateChangeReason" in str(told.get("Status", "")):
        return _of_athena(told.get("QueryExecution", told))
    for kind in ("Step", "Cluster"):
        inner = told.get(kind, told)
        status = inner.get("Status") if isinstance(inner, dict) else None
        if isinstance(status, dict) and status.keys() & {"FailureDetails", "StateChangeReason"}:
            return _of_emr(kind if kind in told else "Step", status)
    if "JobId" in told or "jobId" in told:
        return _of_batch(told)
    if "errorMessage" in told or "errorType" in told:
        return _of_function(error, told)
    return _of_text(error, cause)


def _of_text(error: str, cause: str) -> Cause:
    request = _REQUEST.search(cause)
    return Cause(error, _plain(cause), innermost(cause), request["id"] if request else "")


def _of_function(error: str, told: dict[str, Any]) -> Cause:
    """What a function answers where it failed.

    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    """
    message = str(told.get("errorMessage", ""))
    request = _REQUEST.search(message)
    frames = "\n".join(str(line) for line in told.get("stackTrace") or ())
    return Cause(
        error=str(told.get("errorType") or error),
        message=_plain(message),
        frame=innermost(message) or innermost(frames),  # a child's traceback is in the message
        request=str(told.get("requestId") or (request["id"] if request else "")),
    )


def _of_athena(execution: dict[str, Any]) -> Cause:
    status = execution.get("Status", {})
    return Cause(
        error=f"Athena.{status.get('State', 'FAILED')}",
        message=str(status.get("StateChangeReason") or "no reason given"),
        query=str(execution.get("QueryExecutionId", "")),
    )


def _of_emr(kind: str, status: dict[str, Any]) -> Cause:
    """How a step or a cluster ended, as EMR describes it.

    https://docs.aws.amazon.com/emr/latest/APIReference/API_StepStatus.html
    """
    failed = status.get("FailureDetails") or {}
    changed = status.get("StateChangeReason") or {}
    said = [failed.get("Reason"), failed.get("Message"), changed.get("Message")]
    return Cause(
        error=f"EMR.{kind}.{status.get('State', 'FAILED')}",
        message=": ".join(str(part).rstrip(".") for part in said if part) or "no reason given",
        log=str(failed.get("LogFile") or ""),
    )


def _of_batch(told: dict[str, Any]) -> Cause:
    """How a job ended, as Batch describes it; Step Functions begins names with a capital.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html
    """
    job = _lowered(told)
    tries = job.get("attempts") or [{}]
    last = job.get("container") or tries[-1].get("container") or {}
    code = last.get("exitCode")
    said = [job.get("statusReason"), last.get("reason")]
    message = ": ".join(str(part).rstrip(".") for part in said if part) or "no reason given"
    return Cause(
        error=f"Batch.{job.get('status', 'FAILED')}",
        message=message if code is None else f"{message} (exit {code})",
        stream=str(last.get("logStreamName") or ""),
        exit=None if code is None else int(code),
    )


def _lowered(told: Any) -> Any:
    """JSON with names that begin small, as Batch itself has them."""
    if isinstance(told, list):
        return [_lowered(one) for one in told]
    if not isinstance(told, dict):
        return told
    return {name[:1].lower() + name[1:]: _lowered(value) for name, value in told.items()}


def _plain(message: str) -> str:
    return _REQUEST.sub("", message, count=1).strip()


def innermost(text: str) -> str:
    """The last frame of a traceback that lies in a study's folder; empty where none does."""
    found = list(_FRAME.finditer(text))
    if not found:
        return ""
    last = found[-1]
    return f"{last['own']}:{last['line']}" + (f" in {last['in']}" if last["in"] else "")
