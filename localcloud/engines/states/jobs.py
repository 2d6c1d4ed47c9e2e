"""Integrations that moto has not: a call, and where it ends with `.sync`, its job until it is done.

One `Job` says how a service's job is asked about and cancelled; EMR's steps and Batch's jobs
are to be further entries of `JOBS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_factory,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (  # noqa: E501
    StateTaskServiceCallback,
)

from localcloud.cloud import Cloud
from localcloud.engines.states import clients, errors, tasks

Shape = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A service whose calls states can make.

    Parameters
    ----------
    long_name : str
        The service in causes of errors.
    error_name : str
        The service in names of errors.
    actions : frozenset of str
        The calls.
    sync : mapping
        Of each call that can end with `.sync`, how to follow it.
    """

    long_name: str
    error_name: str
    actions: frozenset[str]
    sync: Mapping[str, Followed] = field(default_factory=dict)


@dataclass(frozen=True)
class Followed:
    """How a job is followed that a call began.

    Parameters
    ----------
    ask : callable
        Of the client and what the call answered: the action of the API whose answer describes
        the job, and that answer.
    state : callable
        The job's state in a description.
    succeeded, failed : frozenset of str
        The states that it ends in.
    cancel : callable
        Of the client and what the call answered.
    """

    ask: Callable[[Any, Shape], tuple[str, Shape]]
    state: Callable[[Shape], str]
    succeeded: frozenset[str]
    failed: frozenset[str]
    cancel: Callable[[Any, Shape], Any]


def _query(client: Any, submitted: Shape) -> tuple[str, Shape]:
    id_ = submitted["QueryExecutionId"]
    return "getQueryExecution", client.get_query_execution(QueryExecutionId=id_)


#: https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html
JOBS = {
    "athena": Job(
        "AmazonAthena",
        "Athena",
        frozenset(
            {"startQueryExecution", "stopQueryExecution", "getQueryExecution", "getQueryResults"}
        ),
        {
            "startQueryExecution": Followed(
                _query,
                lambda told: str(told["QueryExecution"]["Status"]["State"]),
                frozenset({"SUCCEEDED"}),
                frozenset({"FAILED", "CANCELLED"}),
                lambda client, submitted: client.stop_query_execution(
                    QueryExecutionId=submitted["QueryExecutionId"]
                ),
            )
        },
    )
}


def install(cloud: Cloud) -> None:
    """Give moto's factory these integrations."""

    class JobTask(StateTaskServiceCallback):
        """A call to a service of `JOBS`."""

        cancels = True

        def __init__(self) -> None:
            super().__init__(
                supported_integration_patterns={ResourceCondition(ResourceCondition.Sync)}
            )

        @property
        def job(self) -> Job:
            return JOBS[self.resource.service_name]

        @property
        def client(self) -> Any:
            return clients.client(cloud, self.resource.service_name)

        def _validate_service_integration_is_supported(self) -> None:
            """`definition` checked it."""

        def _eval_service_task(
            self, env: Any, resource_runtime_part: Any, parameters: Any, credentials: Any
        ) -> None:
            call = getattr(self.client, self._get_boto_service_action())
            env.stack.append(call(**parameters))

        def _build_sync_resolver(
            self, env: Any, resource_runtime_part: Any, parameters: Any, credentials: Any
        ) -> Callable[[], Any]:
            followed, submitted = self.job.sync[self.resource.api_action], env.stack.pop()

            def ask() -> Shape | None:
                action, told = followed.ask(self.client, submitted)
                state = followed.state(told)
                if state not in followed.succeeded | followed.failed:
                    return None
                self._normalise_response(told, service_action_name=action)
                if state in followed.succeeded:
                    return told
                cause = json.dumps(told, separators=(",", ":"))
                raise errors.failure(env, "States.TaskFailed", cause, **self._told())

            return ask

        def cancel(self, submitted: Shape) -> None:
            """Stop the job: nobody waits for it any more."""
            self.job.sync[self.resource.api_action].cancel(self.client, submitted)

        def _told(self) -> dict[str, Any]:
            return {
                "resource": self._get_sfn_resource(),
                "resourceType": self._get_sfn_resource_type(),
            }

        def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
            if isinstance(ex, ClientError):
                error, cause = tasks.error_of_call(self.job.error_name, self.job.long_name, ex)
                return errors.failure(env, error, cause, **self._told()).failure_event
            found: FailureEvent = super()._from_error(env=env, ex=ex)
            return found

    moto = state_task_service_factory.state_task_service_for

    def state_task_service_for(service_name: str) -> Any:
        return JobTask() if service_name in JOBS else moto(service_name)

    for module in (state_task_factory, state_task_service_factory):
        vars(module)["state_task_service_for"] = state_task_service_for
