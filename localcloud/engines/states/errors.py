"""Errors of states: how they are named, which retry waits for them, which name matches them."""

from __future__ import annotations

from typing import Any, cast

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import (
    MaxAttemptsOutcome,
)
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.common.retry.retrier_outcome import RetrierOutcome
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from localcloud.engines.patching import Method, patch, wrap
from localcloud.engines.states.stopping import pause

#: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
NEVER_WILD = ("States.DataLimitExceeded", "States.Runtime")


def install() -> None:
    """Put these in moto's place."""
    patch(RetrierDecl, _eval_body=_retry)
    patch(ErrorEqualsDecl, _eval_body=_matches)
    wrap(FailureEventException, get_execution_failed_event_details=_placed_once)


def failure(
    env: Environment,
    error: str,
    cause: str,
    event: HistoryEventType = HistoryEventType.TaskFailed,
    **details: str,
) -> FailureEventException:
    """An error that states can retry and catch."""
    told: Any = {"error": error, "cause": cause, **details}
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=CustomErrorName(error),
            event_type=event,
            event_details=cast(EventDetails, {"taskFailedEventDetails": told}),
        )
    )


def _placed_once(details_of: Method) -> Method:
    def details(self: Any) -> Any:
        # A cause that says already where it happened isn't told again by what is around it.
        error, cause = self.extract_error_cause_pair() or (None, None)
        if cause and cause.startswith("An error occurred while executing the state '"):
            return {"error": error, "cause": cause}
        return details_of(self)

    return details


def _retry(self: Any, env: Any) -> None:
    """Wait for the next attempt, where this retrier is for the error and has one left."""
    self.error_equals.eval(env)
    if not env.stack.pop():
        env.stack.append(RetrierOutcome.Skipped)
        return
    self.max_attempts.eval(env=env)
    if env.stack.pop() == MaxAttemptsOutcome.EXHAUSTED:
        env.stack.append(RetrierOutcome.Failed)
        return
    for each in (
        self.interval_seconds,
        self.backoff_rate,
        self.max_delay_seconds,
        self.jitter_strategy,
    ):
        each.eval(env=env)
    pause(env, env.stack.pop())
    env.stack.append(RetrierOutcome.Executed)


def _matches(self: Any, env: Any) -> None:
    """Whether an error is one of those named.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html:
    States.ALL is all but two, States.TaskFailed also leaves States.Timeout out.
    """
    error = env.stack.pop()
    name = error.error_name if error else None
    named = {each.error_name for each in self.error_names}
    wild = name not in NEVER_WILD
    env.stack.append(
        name in named
        or getattr(error, "also", None) in named
        or ("States.ALL" in named and wild)
        or ("States.TaskFailed" in named and wild and name != "States.Timeout")
    )
