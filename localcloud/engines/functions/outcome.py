"""What an invocation comes to, in Lambda's words."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any

from localcloud.engines.functions.log import Report

#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, 6 MB and 100 bytes.
RESPONSE_BYTES = 6_291_556

Judged = tuple[bytes, str, str]


@dataclass(frozen=True)
class Outcome:
    """What an invocation came to.

    Parameters
    ----------
    error_type : str
        Empty where the handler returned.
    usable : bool
        Whether the environment can take another event.
    """

    payload: bytes
    error_type: str
    usable: bool
    report: Report
    tail: bytes


def timed_out(request_id: str, timeout_s: int) -> tuple[str, Judged]:
    """What is logged and answered where the handler took too long."""
    said = f"Task timed out after {timeout_s:.2f} seconds"
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    message = f"RequestId: {request_id} Error: {said}"
    return f"{now}Z {request_id} {said}", _error("Sandbox.Timedout", message, "timeout")


def exited(request_id: str, ending: str) -> tuple[str, Judged]:
    """What is logged and answered where the process ended or was killed."""
    message = f"RequestId: {request_id} Error: {ending}"
    return f"{message}\nRuntime.ExitError", _error("Runtime.ExitError", message, "error")


def judge(kind: str, payload: bytes, request_id: str) -> Judged:
    """What a runtime's own answer comes to: payload, error type, status."""
    if kind == "response":
        if len(payload) <= RESPONSE_BYTES:
            return payload, "", "success"
        return _error(
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size "
            f"({RESPONSE_BYTES} bytes).",
            "error",
        )
    error: dict[str, Any] = json.loads(payload)
    if not error.get("requestId"):  # the init phase knows none
        error["requestId"] = request_id
    return json.dumps(error).encode(), str(error.get("errorType") or "Unknown"), "error"


def _error(error_type: str, message: str, status: str) -> Judged:
    body = json.dumps({"errorType": error_type, "errorMessage": message})
    return body.encode(), error_type, status
