"""ListJobs: which jobs it means, in pages.

https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.engines.batch.errors import request, unable
from localcloud.engines.batch.jobs import STATES, Job

PAGE = 1000


def select(jobs: list[Job], status: str | None, filters: list[Mapping[str, Any]]) -> list[Job]:
    """Those of a status, of RUNNING if none is said; with filters those of any status.

    Raises
    ------
    ClientException
    """
    newest = sorted(jobs, key=lambda job: job.created, reverse=True)
    if filters:
        return [job for job in newest if all(_passes(job, each) for each in filters)]
    wanted = status or "RUNNING"
    if wanted not in STATES:
        raise request(f"jobStatus must be one of {', '.join(STATES)}; found {wanted}.")
    return [job for job in newest if job.status == wanted]


def page(found: list[Any], given: Mapping[str, Any]) -> tuple[list[Any], str | None]:
    """A part of a list, and the token of the next where there is more.

    Raises
    ------
    ClientException
    """
    token, size = given.get("nextToken") or "0", given.get("maxResults") or PAGE
    if not token.isdecimal():
        raise request(f"nextToken {token} is not valid.")
    end = int(token) + size
    return found[int(token) : end], str(end) if end < len(found) else None


def _passes(job: Job, given: Mapping[str, Any]) -> bool:
    name, values = given.get("name"), given.get("values") or []
    if name == "JOB_NAME":
        return any(_like(value, job.name) for value in values)
    if name == "JOB_DEFINITION":
        revision = f"{job.definition.name}:{job.definition.revision}"
        return any(_like(value, revision) for value in values)
    if name == "BEFORE_CREATED_AT":
        return any(job.created < int(value) for value in values)
    if name == "AFTER_CREATED_AT":
        return any(job.created > int(value) for value in values)
    raise unable("filters", str(name), "Filter by name, definition or time.")


def _like(pattern: str, text: str) -> bool:
    """Whether a name matches; cases don't count, and a * at the end stands for anything."""
    pattern, text = pattern.lower(), text.lower()
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
