"""Whether an attempt that failed is followed by another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.engines.batch.containers import Ended

#: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
TIMED_OUT = "Job attempt duration exceeded timeout"


def again(strategy: Mapping[str, Any], made: int, ended: Ended) -> bool:
    """Whether there is to be another attempt.

    Parameters
    ----------
    strategy : mapping
        The job's retryStrategy.
    made : int
        Attempts that were made.

    Notes
    -----
    The first rule all of whose conditions match decides; where none does, the job is tried
    again: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html.
    """
    if ended.succeeded or ended.final or made >= (strategy.get("attempts") or 1):
        return False
    for rule in strategy.get("evaluateOnExit") or []:
        if _matches(rule, ended):
            return str(rule["action"]).upper() == "RETRY"
    return True


def _matches(rule: Mapping[str, Any], ended: Ended) -> bool:
    told = {
        "onExitCode": "" if ended.code is None else str(ended.code),
        "onReason": ended.reason,
        "onStatusReason": ended.status_reason,
    }
    return all(_like(rule[name], text) for name, text in told.items() if rule.get(name))


def _like(pattern: str, text: str) -> bool:
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return text == pattern
