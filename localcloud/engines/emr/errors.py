"""EMR's two kinds of refusal, and what the local cloud adds to them: what it can't honour."""

from __future__ import annotations

import json
from typing import Any

from moto.emr.exceptions import InvalidRequestException, ValidationException


def invalid(code: str, message: str) -> InvalidRequestException:
    """InvalidRequestException, as of calls that describe."""
    fault = InvalidRequestException(message)
    vars(fault)["error_code"] = code
    return fault


def validation(message: str) -> ValidationException:
    """ValidationException, as of calls that change."""
    return ValidationException(message)


def unable(where: str, value: Any, do: str) -> ValidationException:
    """Refuse something that EMR has and the local cloud has not."""
    told = value if isinstance(value, str) else json.dumps(value)
    told = told if len(told) < 100 else f"{told[:97]}..."
    return validation(
        f"While checking {where}, found {told}, which the local cloud can't honour. {do}"
    )
