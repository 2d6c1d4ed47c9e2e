"""Task states that call a service: scheduled, admitted, started, answered.

A call that is only begun (`.sync`) is asked about until it is done, and cancelled where the
execution ends before; one that waits for a token waits for whoever has it.
"""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.model import OperationModel
from moto.stepfunctions.parser.api import (
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (  # noqa: E501
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (  # noqa: E501
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (  # noqa: E501
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (  # noqa: E501
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackOutcomeFailure,
    CallbackOutcomeFailureError,
    HeartbeatTimeoutError,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from localcloud.cloud import Cloud
from localcloud.engines.patching import Method, patch, wrap
from localcloud.engines.states import clients, history
from localcloud.engines.states.stopping import Stopped, pause, require_running

#: How often a job is asked about: soon at first, since many are short here.
FIRST_POLL_S, LAST_POLL_S = 0.02, 0.5

#: How often one that waits for a token looks whether the execution ended.
GLANCE_S = 0.1

_models = botocore.session.get_session()


def install(cloud: Cloud) -> None:
    """Put these in moto's place."""
    patch(
        StateTaskService,
        _normalise_parameters=_normalise_parameters,
        _normalise_response=_normalise_response,
        _before_eval_execution=_schedule,
        _eval_execution=_execute,
        _admit=lambda self, env, parameters: None,
    )
    patch(
        StateTaskServiceAwsSdk,
        _normalise_service_error_name=staticmethod(_sdk_service_name),
        when=staticmethod(clients.iso),
    )
    patch(StateTaskServiceCallback, _eval_integration_pattern=_integrate)
    patch(
        StateTaskServiceSfn,
        cancels=True,
        cancel=lambda self, submitted: clients.client(cloud, "stepfunctions").stop_execution(
            executionArn=submitted["ExecutionArn"]
        ),
    )
    wrap(StateTask, _from_error=_knows_heartbeats)


def operation(service: str, action: str) -> OperationModel | None:
    """The model of a service's call, by the name that states give it; None where there is none."""
    name = clients.SERVICES.get(service, service)
    if name not in _models.get_available_services():
        return None
    model = _models.get_service_model(name)
    wanted = action.lower()
    found = next((each for each in model.operation_names if each.lower() == wanted), None)
    return model.operation_model(found) if found else None


def service_id(service: str) -> str:
    """A service's id in its model, as `DynamoDB`."""
    name = clients.SERVICES.get(service, service)
    return str(_models.get_service_model(name).metadata.get("serviceId", name))


def _sdk_service_name(service_name: str) -> str:
    return clients.sdk_name(service_id(service_name))


def _model(self: Any, service: str | None, action: str | None) -> OperationModel | None:
    name = action or self.resource.api_action
    return operation(service or self.resource.api_name, name.replace("_", ""))


def _normalise_parameters(
    self: Any,
    parameters: dict[str, Any],
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    model = _model(self, boto_service_name, service_action_name)
    if model is None or model.input_shape is None:
        return
    found = clients.to_boto(parameters, model.input_shape)
    parameters.clear()
    parameters.update(found)


def _normalise_response(
    self: Any,
    response: Any,
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    model = _model(self, boto_service_name, service_action_name)
    if model is None or not isinstance(response, dict):
        return
    when = getattr(self, "when", clients.milliseconds)
    found = clients.from_boto(response, model.output_shape, when)
    response.clear()
    response.update(found or {})


def _schedule(
    self: Any, env: Any, resource_runtime_part: Any, raw_parameters: Any, state_credentials: Any
) -> None:
    """Tell that the task is scheduled; it is started, and its time runs, once it is let in."""
    which = {"resource": self._get_sfn_resource(), "resourceType": self._get_sfn_resource_type()}
    details = {
        **which,
        "region": resource_runtime_part.region,
        "parameters": to_json_str(raw_parameters, separators=(",", ":")),
    }
    for limit, name in ((self.timeout, "timeoutInSeconds"), (self.heartbeat, "heartbeatInSeconds")):
        if limit is not None and not getattr(limit, "is_default_value", lambda: False)():
            limit.eval(env=env)
            details[name] = env.stack.pop()
    history.tell(env, HistoryEventType.TaskScheduled, taskScheduledEventDetails=details)
    self._admit(env, raw_parameters)
    env.started = time.monotonic()
    history.tell(
        env,
        HistoryEventType.TaskStarted,
        taskStartedEventDetails=which,
    )


def _execute(self: Any, env: Any) -> None:
    self.resource.eval(env=env)
    part = env.stack.pop()
    raw = self._eval_parameters(env=env)
    self._verify_size_quota(env=env, value=raw)
    credentials = self._eval_state_credentials(env=env)
    self._before_eval_execution(env, part, raw, credentials)
    given = copy.deepcopy(raw)
    self._normalise_parameters(given)
    try:
        self._eval_service_task(env, part, given, credentials)
        self._normalise_response(env.stack[-1])
        if not env.is_running():
            if self.resource.condition in (ResourceCondition.Sync, ResourceCondition.Sync2):
                self.cancel(env.stack[-1])
            raise Stopped
        self._after_eval_execution(env, part, given, credentials)
    finally:
        # Whoever sent a message to a task that is over is told so.
        task = env.states.context_object.context_object_data.get("Task")
        if task and self.resource.condition == ResourceCondition.WaitForTaskToken:
            env.callback_pool_manager.get(task["Token"]).interrupt_all()


def _integrate(
    self: Any,
    env: Any,
    resource_runtime_part: Any,
    normalised_parameters: Any,
    state_credentials: Any,
) -> None:
    """Wait for what the call only began."""
    words = (env, resource_runtime_part, normalised_parameters, state_credentials)
    if self.resource.condition == ResourceCondition.WaitForTaskToken:
        env.stack.append(_wait_for_token(self, env))
        return
    submitted = env.stack[-1]
    if self.resource.condition == ResourceCondition.Sync:
        ask = self._build_sync_resolver(*words)
    else:
        ask = self._build_sync2_resolver(*words)
    wait_s = FIRST_POLL_S
    try:
        while (found := ask()) is None:
            pause(env, wait_s)
            wait_s = min(wait_s * 1.5, LAST_POLL_S)
    except Stopped:
        # https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html: what
        # .sync began is cancelled where the execution stops or the task's time is over.
        self.cancel(submitted)
        raise
    env.stack.append(found)


def _wait_for_token(self: Any, env: Any) -> Any:
    endpoint = env.callback_pool_manager.get(
        env.states.context_object.context_object_data["Task"]["Token"]
    )
    beat, beat_s = None, 0.0
    if self.heartbeat:
        self.heartbeat.eval(env=env)
        beat_s = env.stack.pop()
        beat = endpoint._heartbeat_endpoint or endpoint.setup_heartbeat_endpoint(beat_s)
    last = time.monotonic()
    while not endpoint._notify_event.wait(GLANCE_S):
        require_running(env)
        if beat and beat._next_heartbeat_event.is_set():
            beat._next_heartbeat_event.clear()
            last = time.monotonic()
        if beat and time.monotonic() - last > beat_s:
            raise HeartbeatTimeoutError
    outcome = endpoint.get_outcome()
    if isinstance(outcome, CallbackOutcomeFailure):
        raise CallbackOutcomeFailureError(callback_outcome_failure=outcome)
    return json.loads(outcome.output)


def _knows_heartbeats(from_error: Method) -> Method:
    def failed(self: Any, env: Any, ex: Exception) -> Any:
        found = from_error(self, env=env, ex=ex)
        if isinstance(ex, HeartbeatTimeoutError):
            found.error_name.also = "States.HeartbeatTimeout"
        return found

    return failed


def error_of_call(service: str, long_name: str, fault: ClientError) -> tuple[str, str]:
    """Error and cause of a refused call, as the optimised integrations tell them."""
    told, answer = fault.response["Error"], fault.response["ResponseMetadata"]
    code = told["Code"]
    name = code if code.endswith("Exception") else f"{code}Exception"
    cause = (
        f"{told['Message']} (Service: {long_name}; Status Code: {answer['HTTPStatusCode']}; "
        f"Error Code: {code}; Request ID: {answer.get('RequestId', '')}; Proxy: null)"
    )
    return f"{service}.{name}", cause
