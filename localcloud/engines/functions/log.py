"""One environment's log stream in CloudWatch Logs, with Lambda's own lines in it."""

from __future__ import annotations

import datetime
import json
import math
import time
import uuid
from dataclasses import dataclass
from typing import Any

TAIL_BYTES = 4096  # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, LogType


@dataclass(frozen=True)
class Report:
    """What one invocation took; durations in ms, memory in MB as Lambda says it (MiB)."""

    request_id: str
    duration_ms: float
    memory_mb: int
    used_mb: int
    init_ms: float | None = None
    status: str = "success"
    error_type: str = ""

    @property
    def billed_ms(self) -> int:
        """Milliseconds billed: since August 2025 the init phase counts.

        https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
        """
        return math.ceil(self.duration_ms + (self.init_ms or 0))

    def text(self) -> str:
        """The REPORT line."""
        line = (
            f"REPORT RequestId: {self.request_id}\tDuration: {self.duration_ms:.2f} ms\t"
            f"Billed Duration: {self.billed_ms} ms\tMemory Size: {self.memory_mb} MB\t"
            f"Max Memory Used: {self.used_mb} MB\t"
        )
        if self.init_ms is not None:
            line += f"Init Duration: {self.init_ms:.2f} ms\t"
        if self.status != "success":
            line += f"Status: {self.status}\t"
        if self.error_type:
            line += f"Error Type: {self.error_type}\t"
        return line

    def record(self) -> dict[str, Any]:
        """The same as a `platform.report` event."""
        metrics = {
            "durationMs": round(self.duration_ms, 3),
            "billedDurationMs": self.billed_ms,
            "memorySizeMB": self.memory_mb,
            "maxMemoryUsedMB": self.used_mb,
        }
        if self.init_ms is not None:
            metrics["initDurationMs"] = round(self.init_ms, 3)
        record: dict[str, Any] = {
            "requestId": self.request_id,
            "metrics": metrics,
            "status": self.status,
        }
        return record | ({"errorType": self.error_type} if self.error_type else {})


def stream_name(version: str) -> str:
    """A log stream's name, as ``2026/11/22/[$LATEST]0f…``."""
    return f"{datetime.datetime.now(datetime.UTC):%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"


class FunctionLog:
    """Writes into one log stream; one thread at a time.

    Parameters
    ----------
    backend
        moto's CloudWatch Logs of the account and region.
    json_format : bool
        Whether Lambda's own lines are JSON (``LoggingConfig.LogFormat``).
    """

    def __init__(self, backend: Any, group: str, stream: str, json_format: bool) -> None:
        self._backend, self._json = backend, json_format
        self.group, self.stream = group, stream
        self._tail = b""
        self._rest = b""
        self._ended = False

    def output(self, data: bytes) -> None:
        """Take what the process printed: an event a line."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        # The runtime client joins the lines of one error by \r, to keep them one event.
        self._put([line.replace(b"\r", b"\n").decode("utf-8", "replace") for line in lines])

    def init_start(self, runtime: str) -> None:
        """Say that an environment starts."""
        self._platform(
            "platform.initStart",
            {"initializationType": "on-demand", "phase": "init", "runtimeVersion": runtime},
            f"INIT_START Runtime Version: {runtime}",
        )

    def start(self, request_id: str, version: str) -> None:
        """Say that an invocation starts; the tail of the first has the init phase too."""
        if self._ended:
            self._tail = b""
        self._platform(
            "platform.start",
            {"requestId": request_id, "version": version},
            f"START RequestId: {request_id} Version: {version}",
        )

    def say(self, text: str) -> None:
        """Write a line of Lambda's own."""
        self._flush()
        self._put([text])

    def end(self, report: Report) -> None:
        """Say that an invocation ended, and what it took."""
        self._flush()
        self._ended = True
        if self._json:
            self._platform("platform.report", report.record(), "")
        else:
            self._put([f"END RequestId: {report.request_id}", report.text()])

    def tail(self) -> bytes:
        """The last 4 KB of the invocation's log."""
        return self._tail[-TAIL_BYTES:]

    def _flush(self) -> None:
        if self._rest:
            self.output(b"\n")

    def _platform(self, kind: str, record: dict[str, Any], text: str) -> None:
        if self._json:
            now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
            text = json.dumps({"time": now, "type": kind, "record": record})
        self._put([text])

    def _put(self, lines: list[str]) -> None:
        if not lines:
            return
        self._tail = (self._tail + "".join(f"{line}\n" for line in lines).encode())[-TAIL_BYTES:]
        self._backend.ensure_log_group(self.group)
        self._backend.ensure_log_stream(self.group, self.stream)
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": f"{line}\n"} for line in lines]
        self._backend.put_log_events(self.group, self.stream, events)
