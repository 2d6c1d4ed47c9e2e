"""What Choice and Wait compare: values that are there, and times of every zone."""

from __future__ import annotations

import datetime
import re
from typing import Any

from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_operator_type import (  # noqa: E501
    ComparisonOperatorType,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_variable import (
    ComparisonVariable,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.implementations.is_operator import (  # noqa: E501
    IsTimestamp,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.variable import (
    NoSuchVariable,
)
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp

from localcloud.engines.patching import patch, wrap
from localcloud.engines.states import errors

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def install() -> None:
    """Put these in moto's place."""
    patch(ComparisonVariable, _eval_body=_compare)
    wrap(StateChoice, _eval_state=_fails_where_nothing_matches)
    patch(IsTimestamp, string_to_timestamp=staticmethod(time_of))
    patch(Timestamp, _from_timestamp_string=staticmethod(time_of), _get_wait_seconds=_seconds_to)


def time_of(text: str) -> datetime.datetime | None:
    """A time as the states language writes it, or None.

    https://states-language.net/spec.html#timestamps: RFC 3339, with an upper-case T and Z.
    """
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return None


def _compare(self: Any, env: Any) -> None:
    self.variable.eval(env)
    found = env.stack[-1]
    operator = self.comparison_function.operator_type
    if isinstance(found, NoSuchVariable) and operator != ComparisonOperatorType.IsPresent:
        # moto called it unequal, and went on by the default.
        path = self.variable.string_sampler.literal_value
        raise errors.failure(
            env,
            "States.Runtime",
            f"Invalid path '{path}': The choice state's condition path references an invalid "
            "value.",
        )
    self.comparison_function.eval(env)


def _fails_where_nothing_matches(choose: Any) -> Any:
    def run(self: Any, env: Any) -> None:
        try:
            choose(self, env)
        except RuntimeError:
            cause = f"No choice of the state '{self.name}' matched, and it has no default"
            raise errors.failure(env, "States.NoChoiceMatched", cause) from None

    return run


def _seconds_to(self: Any, env: Any) -> float:
    self.string.eval(env=env)
    text = env.stack.pop()
    when = time_of(text) if isinstance(text, str) else None
    if when is None:
        cause = f"The Timestamp parameter does not reference a valid timestamp: {text!r}"
        raise errors.failure(env, "States.Runtime", cause)
    return (when - datetime.datetime.now(datetime.UTC)).total_seconds()
