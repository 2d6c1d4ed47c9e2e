"""CodeBuild's refusals, and what the local cloud adds to them: what it can't honour."""

from __future__ import annotations

import json
from typing import Any


class ApiError(Exception):
    """A call that is answered with an error.

    Parameters
    ----------
    code : str
        As ``InvalidInputException``.
    message : str
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class PhaseError(Exception):
    """A phase of a build that fails.

    Parameters
    ----------
    code : str
        The context's status code, as ``COMMAND_EXECUTION_ERROR``.
    message : str
    status : str
        The phase's: ``FAILED``, ``TIMED_OUT``, ``STOPPED``, ``FAULT``.
    """

    def __init__(self, code: str, message: str, status: str = "FAILED") -> None:
        super().__init__(message)
        self.code, self.status = code, status


def invalid(message: str) -> ApiError:
    """InvalidInputException."""
    return ApiError("InvalidInputException", message)


def unknown(what: str) -> ApiError:
    """ResourceNotFoundException."""
    return ApiError("ResourceNotFoundException", what)


def unable(where: str, value: Any, do: str) -> ApiError:
    """Refuse something that CodeBuild has and the local cloud has not."""
    told = value if isinstance(value, str) else json.dumps(value)
    told = told if len(told) < 100 else f"{told[:97]}..."
    return invalid(
        f"While checking {where}, found {told}, which the local cloud can't honour. {do}"
    )
