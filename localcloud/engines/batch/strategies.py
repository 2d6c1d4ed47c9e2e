"""Retry strategies, timeouts and dependencies as they may be given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localcloud.engines.batch.errors import refused, request

MOST_ATTEMPTS, MOST_RULES = 10, 5
LEAST_TIMEOUT_S = 60
MOST_DEPENDENCIES = 20
LEAST_SIZE, MOST_SIZE = 2, 10_000
CONDITIONS = ("onStatusReason", "onReason", "onExitCode")


def check_retry(given: Mapping[str, Any]) -> None:
    """Check a retryStrategy.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_RetryStrategy.html and
    API_EvaluateOnExit.html.

    Raises
    ------
    ClientException
    """
    attempts, rules = given.get("attempts"), given.get("evaluateOnExit") or []
    if attempts is not None and not 1 <= attempts <= MOST_ATTEMPTS:
        raise request(f"attempts must be between 1 and {MOST_ATTEMPTS}; found {attempts}.")
    if rules and attempts is None:
        raise request("attempts must be specified where evaluateOnExit is.")
    if len(rules) > MOST_RULES:
        raise request(f"evaluateOnExit can have {MOST_RULES} entries; found {len(rules)}.")
    for rule in rules:
        _check_rule(rule)


def _check_rule(rule: Mapping[str, Any]) -> None:
    if str(rule["action"]).upper() not in ("RETRY", "EXIT"):
        raise request(f"evaluateOnExit's action must be RETRY or EXIT; found {rule['action']}.")
    if not any(rule.get(name) for name in CONDITIONS):
        raise request(f"An entry of evaluateOnExit needs one of {', '.join(CONDITIONS)}.")
    if "*" in "".join((rule.get(name) or "")[:-1] for name in CONDITIONS):
        raise request("A pattern of evaluateOnExit can have * at its end alone.")
    if (code := rule.get("onExitCode")) and not re.fullmatch(r"\d{0,512}\*?", code):
        raise request(f"onExitCode must be a number, or end with *; found {code}.")


def check_timeout(given: Mapping[str, Any]) -> None:
    """Check a timeout: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html.

    Raises
    ------
    ClientException
    """
    seconds = given.get("attemptDurationSeconds")
    if seconds is not None and seconds < LEAST_TIMEOUT_S:
        raise request(
            f"attemptDurationSeconds must be at least {LEAST_TIMEOUT_S}; found {seconds}."
        )


def check_array(given: Mapping[str, Any]) -> None:
    """Check arrayProperties: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html.

    Raises
    ------
    ClientException
    """
    size = given.get("size")
    if size is not None and not LEAST_SIZE <= size <= MOST_SIZE:
        raise request(f"An array job's size is {LEAST_SIZE} to {MOST_SIZE}; found {size}.")


def check_dependencies(given: list[Mapping[str, Any]], size: int) -> None:
    """Check dependsOn: https://docs.aws.amazon.com/batch/latest/userguide/job_dependencies.html.

    Parameters
    ----------
    size : int
        Of the array that depends; 0 is no array.

    Raises
    ------
    ClientException
    """
    if len(given) > MOST_DEPENDENCIES:
        raise request(f"A job can depend on {MOST_DEPENDENCIES} jobs; found {len(given)}.")
    for each in given:
        kind = each.get("type")
        if kind not in (None, "", "SEQUENTIAL", "N_TO_N"):
            raise request(f"A dependency's type is SEQUENTIAL or N_TO_N; found {kind}.")
        if kind and not size:
            raise request(f"A dependency of type {kind} is for array jobs.")
        if kind != "SEQUENTIAL" and not each.get("jobId"):
            raise refused("A dependency needs a jobId.")
