"""Batch's one kind of refusal, and what the local cloud adds to it: what it can't honour."""

from __future__ import annotations

import json
from typing import Any

from moto.batch.exceptions import ClientException


def refused(message: str) -> ClientException:
    """ClientException: Batch has no other for what a client does wrong."""
    return ClientException(message)


def request(message: str) -> ClientException:
    """The same, as Batch words it where it has checked a request's content."""
    return refused(f"Error executing request, Exception : {message}")


def unable(where: str, value: Any, do: str) -> ClientException:
    """Refuse something that Batch has and the local cloud has not."""
    told = value if isinstance(value, str) else json.dumps(value)
    told = told if len(told) < 100 else f"{told[:97]}..."
    return refused(
        f"While checking {where}, found {told}, which the local cloud can't honour. {do}"
    )


def only(given: dict[str, Any], honoured: frozenset[str], where: str, do: str) -> None:
    """Refuse the first field that is given and not honoured; empty ones ask for nothing.

    Raises
    ------
    ClientException
    """
    for name, value in given.items():
        if name not in honoured and value not in (None, False, [], {}, ""):
            raise unable(f"{where}.{name}", value, do)
