"""A build's log stream in CloudWatch Logs, with CodeBuild's own lines in it."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from localcloud.cloud import Cloud


def place(project: Mapping[str, Any], uuid: str) -> tuple[str, str] | None:
    """Group and stream of a build's log; None where the project wants none.

    https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CloudWatchLogsConfig.html
    """
    told = (project.get("logsConfig") or {}).get("cloudWatchLogs") or {}
    if told.get("status", "ENABLED") != "ENABLED":
        return None
    stream = f"{told['streamName']}/{uuid}" if told.get("streamName") else uuid
    return told.get("groupName") or f"/aws/codebuild/{project['name']}", stream


def told(cloud: Cloud, where: tuple[str, str] | None) -> dict[str, Any]:
    """How a build tells where its log is."""
    s3 = {"status": "DISABLED", "encryptionDisabled": False}
    if not where:
        return {"cloudWatchLogs": {"status": "DISABLED"}, "s3Logs": s3}
    group, stream = where
    console = f"https://console.aws.amazon.com/cloudwatch/home?region={cloud.region}"
    return {
        "groupName": group,
        "streamName": stream,
        "deepLink": f"{console}#logsV2:log-groups/log-group/{quote(group, '')}"
        f"/log-events/{quote(stream, '')}",
        "cloudWatchLogsArn": f"arn:aws:logs:{cloud.region}:{cloud.account}:log-group:{group}"
        f":log-stream:{stream}",
        "cloudWatchLogs": {"status": "ENABLED", "groupName": group},
        "s3Logs": s3,
    }


class BuildLog:
    """Writes one build's log.

    Parameters
    ----------
    cloud : Cloud
    where : tuple of str, optional
        Group and stream; without them nothing is kept.
    """

    def __init__(self, cloud: Cloud, where: tuple[str, str] | None) -> None:
        from moto.logs.models import logs_backends

        self._backend: Any = logs_backends[cloud.account][cloud.region]
        self._where, self._lock = where, threading.Lock()
        if where:
            self._backend.ensure_log_group(where[0])
            self._backend.ensure_log_stream(*where)

    def line(self, text: str) -> None:
        """Keep a line that a command printed; an empty one is one, too."""
        if self._where:
            event = {"timestamp": int(time.time() * 1000), "message": f"{text}\n"}
            with self._lock:
                self._backend.put_log_events(*self._where, [event])

    def say(self, text: str) -> None:
        """Keep a line of CodeBuild's own."""
        now = datetime.datetime.now(datetime.UTC)
        self.line(f"[Container] {now:%Y/%m/%d %H:%M:%S.%f} {text}")
