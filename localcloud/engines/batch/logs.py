"""What containers print, line by line in CloudWatch Logs, as Docker's awslogs driver sends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from localcloud.engines.batch.containers import NOT_STARTED, Ended

DEFAULT_GROUP = "/aws/batch/job"

#: https://docs.docker.com/engine/logging/drivers/awslogs/: a longer line is several events.
EVENT_BYTES = 262_118


class LogStream:
    """Writes into one log stream.

    Parameters
    ----------
    backend
        moto's CloudWatch Logs of the account and region.
    """

    def __init__(self, backend: Any, group: str, stream: str) -> None:
        self._backend, self._group, self.name = backend, group, stream
        self._rest, self._lock = b"", threading.Lock()
        backend.ensure_log_stream(group, stream)

    def say(self, data: bytes) -> None:
        """Take what was printed: an event a line."""
        with self._lock:
            *lines, self._rest = (self._rest + data).split(b"\n")
            while len(self._rest) > EVENT_BYTES:
                lines.append(self._rest[:EVENT_BYTES])
                self._rest = self._rest[EVENT_BYTES:]
            self._put(lines)

    def close(self) -> None:
        """Write down a last line that doesn't end."""
        with self._lock:
            self._put([self._rest])
            self._rest = b""

    def _put(self, lines: list[bytes]) -> None:
        now = int(time.time() * 1000)
        events = [
            {"timestamp": now, "message": part.decode("utf-8", "replace")}
            for line in lines
            for part in _parts(line.removesuffix(b"\r"))
        ]
        if events:
            self._backend.put_log_events(self._group, self.name, events)


def _parts(line: bytes) -> list[bytes]:
    """A line as its events; CloudWatch Logs has none that is empty."""
    return [line[at : at + EVENT_BYTES] for at in range(0, len(line), EVENT_BYTES)]


def open_stream(
    backend: Any, given: Mapping[str, Any] | None, name: str, task: str
) -> LogStream | Ended:
    """Open a container's log stream, or say why the container can't start.

    Parameters
    ----------
    given : mapping or None
        The container's logConfiguration.
    name : str
        The job definition's.
    task : str
        The task's id.

    Notes
    -----
    https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html and, of the name,
    https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerDetail.html.
    """
    options = (given or {}).get("options") or {}
    group = options.get("awslogs-group", DEFAULT_GROUP)
    stream = f"{options.get('awslogs-stream-prefix', name)[:200]}/default/{task}"
    makes = group == DEFAULT_GROUP or options.get("awslogs-create-group", "").lower() == "true"
    if makes:
        backend.ensure_log_group(group)
    if group not in backend.groups:
        return Ended(
            None,
            "ResourceInitializationError: failed to validate logger args: create stream has been "
            "retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: "
            f"The specified log group does not exist. : exit status 1 ({group})",
            NOT_STARTED,
        )
    return LogStream(backend, group, stream)
