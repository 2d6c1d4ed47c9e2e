"""Integrations that moto has not: a call, and where it ends with `.sync`, its job until it is done.

One `Job` says how a service's job is asked about and cancelled.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore import xform_name
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
from localcloud.engines.states.batch import BATCH
from localcloud.engines.states.clusters import EMR
from localcloud.engines.states.job import Followed, Job, Shape, Submitted


def _query(client: Any, submitted: Submitted) -> tuple[str, Shape]:
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
    ),
    "batch": BATCH,
    "elasticmapreduce": EMR,
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
            action, given = self.resource.api_action, parameters
            wrapped = self.job.wrapped.get(action)
            if wrapped:
                action, given = wrapped.action, self._asks(env, parameters)
            answer = getattr(self.client, xform_name(action))(**given)
            submitted = Submitted(wrapped.answers(answer) if wrapped else answer)
            submitted.asked = parameters
            env.stack.append(submitted)

        def _asks(self, env: Any, parameters: Shape) -> Shape:
            """The API's parameters of a call that is Step Functions' own."""
            wrapped = self.job.wrapped[self.resource.api_action]
            try:
                given = wrapped.asks(parameters)
                self._normalise_parameters(given, service_action_name=wrapped.action)
            except (KeyError, ValueError) as fault:
                what = f"the field {fault} is missing" if isinstance(fault, KeyError) else fault
                told = json.dumps(parameters)
                cause = f"The Parameters '{told}' could not be used to start the Task: [{what}]"
                raise errors.failure(env, "States.Runtime", cause, **self._told()) from None
            return given

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
                told = followed.gives(told)
                if state in followed.succeeded:
                    return told
                cause = json.dumps(told, separators=(",", ":"))
                raise errors.failure(env, "States.TaskFailed", cause, **self._told())

            return ask

        def cancel(self, submitted: Submitted) -> None:
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
                code, model = ex.response["Error"]["Code"], self.client.meta.service_model
                if model.shape_for_error_code(code) is None:
                    # What the API's model doesn't name is the service's own error in the SDK for
                    # Java: https://github.com/aws/aws-cdk/issues/13735 shows EMR's.
                    error = f"{self.job.error_name}.{self.job.long_name}Exception"
                return errors.failure(env, error, cause, **self._told()).failure_event
            found: FailureEvent = super()._from_error(env=env, ex=ex)
            return found

    moto = state_task_service_factory.state_task_service_for

    def state_task_service_for(service_name: str) -> Any:
        return JobTask() if service_name in JOBS else moto(service_name)

    for module in (state_task_factory, state_task_service_factory):
        vars(module)["state_task_service_for"] = state_task_service_for
