"""What all states of the run are made of: names, times, and the call of a function."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from infra.retries import lambda_retries

State = dict[str, Any]

#: Seconds that a call of function `run` and of `register` may take. A table is written by one
#: call, so it gets all that Lambda gives.
RUN_TIMEOUT_S = 120
REGISTER_TIMEOUT_S = 900
#: Seconds more that the machine waits, so that a function's own timeout is what is told.
GRACE_S = 30


@dataclass(frozen=True)
class Names:
    """What the states name beside the plan.

    Parameters
    ----------
    bucket : str
        The lake's bucket.
    partition : str
        Of ARNs: ``aws``, or ``aws-cn``.
    """

    bucket: str
    partition: str = "aws"

    def integration(self, name: str) -> str:
        """ARN of one of Step Functions' own integrations."""
        return f"arn:{self.partition}:states:::{name}"


def lambda_task(names: Names, function: str, payload: State, timeout_s: int, **more: Any) -> State:
    """A Task that calls a function and takes what it gives."""
    return {
        "Type": "Task",
        "Resource": names.integration("lambda:invoke"),
        "Parameters": {"FunctionName": function, "Payload": payload},
        "TimeoutSeconds": timeout_s + GRACE_S,
        "Retry": lambda_retries(),
        **more,
    }


def chosen(fields: Iterable[str]) -> State:
    """A ResultSelector that takes these fields of what a function gives, and must find them."""
    return {f"{field}.$": f"$.Payload.{field}" for field in fields}
