"""Finds what a function said in its log while it failed."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from typing import Any

#: Lines that a run reads at most to find the few that matter.
MOST_LINES = 10_000
#: What Lambda itself writes around a call, and on a cold start:
#: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
_FRAME = re.compile(r"^(START|END|REPORT|INIT_START|INIT_REPORT|EXTENSION)\b|^XRAY ")
_TELLING = re.compile(
    r"Task timed out|signal: killed|MemoryError|Status: (timeout|error)|\[ERROR\]"
    r"|^\s*[\w.]*(Error|Exception)\b|^\s*\w[\w.]*: "
)


def group(function: str) -> str:
    """The log group of a function."""
    return f"/aws/lambda/{function}"


def lines(
    logs: Any,
    function: str,
    first: datetime.datetime,
    last: datetime.datetime,
    request: str = "",
) -> list[str]:
    """What a function said in a span of time, or in one call.

    Parameters
    ----------
    logs : boto3 CloudWatch Logs client
    function : str
        Its physical name.
    first, last : datetime
        The span; logs may be a few seconds late, so it is widened by five.
    request : str
        The call's id; all calls of the span where empty, or where the log doesn't know it.
    """
    told: list[tuple[str, str]] = []
    late = datetime.timedelta(seconds=5)
    words = {
        "logGroupName": group(function),
        "startTime": int((first - late).timestamp() * 1000),
        "endTime": int((last + late).timestamp() * 1000),
    }
    try:
        for page in logs.get_paginator("filter_log_events").paginate(**words):
            for event in page["events"]:  # a traceback is one event of many lines
                stream = event.get("logStreamName", "")
                told += [(stream, line) for line in event["message"].rstrip().splitlines()]
            if len(told) > MOST_LINES:
                break
    except logs.exceptions.ResourceNotFoundException:
        return []  # it never ran
    return (of_call(told, request) if request else []) or [line for _, line in told]


def of_call(told: Iterable[tuple[str, str]], request: str) -> list[str]:
    """The lines of one call: those of its stream from its START to its REPORT.

    Parameters
    ----------
    told : iterable of (stream, line)
    request : str
    """
    found: list[str] = []
    stream = None
    for of_stream, line in told:
        if line.startswith(f"START RequestId: {request}"):
            stream = of_stream
        if of_stream == stream or request in line:
            found.append(line)
        if line.startswith("REPORT ") and request in line:
            stream = None
    return found


def first_useful(said: Sequence[str]) -> str:
    """The first line that says what went wrong; empty where none does."""
    own = [line for line in said if line.strip() and not _FRAME.match(line)]
    telling = [line for line in own if _TELLING.search(line) and not line.startswith("Traceback")]
    return " ".join((full_memory(said) or telling or own[-1:] or [""])[0].split())


def full_memory(said: Sequence[str]) -> list[str]:
    """The REPORT lines of calls that used all memory that they had: what Lambda kills for."""
    return [
        line
        for line in said
        if (used := re.search(r"Memory Size: (\d+) MB\s+Max Memory Used: (\d+) MB", line))
        and int(used[2]) >= int(used[1])
    ]
