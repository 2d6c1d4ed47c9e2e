"""`lambda:invoke`, and functions named by their ARN, through the local cloud's own Lambda."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any, cast

from botocore.exceptions import ClientError
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.lambda_eval_utils import (
    LambdaFunctionErrorException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (  # noqa: E501
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import (
    StateTaskLambda,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from localcloud.cloud import Cloud
from localcloud.engines import functions
from localcloud.engines.functions.pool import MOST, ThrottledError
from localcloud.engines.patching import Method, patch, wrap
from localcloud.engines.states import errors
from localcloud.engines.states.stopping import require_running

GLANCE_S = 0.1

Failed = tuple[str, str]


class CallRefused(Exception):  # noqa: N818
    """Lambda would not begin an invocation."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code, self.status, self.message = code, status, message


class Gates:
    """Lets as many invocations of a function begin as it has environments here.

    AWS starts one for each call, up to 1,000. Here the others would wait inside of Lambda,
    where neither a timeout nor the end of an execution could call them back.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most, self._lock = most, threading.Lock()
        self._gates: dict[str, threading.Semaphore] = {}

    def enter(self, function: str, env: Any) -> threading.Semaphore:
        """Wait until a call may begin; the caller releases what this gives.

        Raises
        ------
        Stopped
        """
        with self._lock:
            gate = self._gates.setdefault(function, threading.Semaphore(self._most))
        while not gate.acquire(timeout=GLANCE_S):
            require_running(env)
        return gate


def install(cloud: Cloud) -> None:
    """Put these in moto's place."""
    gates = Gates()

    def admit(self: Any, env: Any, parameters: dict[str, Any]) -> None:
        env.gate = gates.enter(_name(str(parameters.get("FunctionName"))), env)

    def released(execute: Method) -> Method:
        def run(self: Any, env: Any) -> None:
            env.gate = None
            try:
                execute(self, env)
            finally:
                if env.gate:
                    env.gate.release()

        return run

    def gated(execute: Method) -> Method:
        def run(self: Any, env: Any) -> None:
            with gates.enter(_name(self.resource.resource_arn), env):
                env.started = time.monotonic()
                execute(self, env)

        return run

    def invoke(env: Any, parameters: Any, region: str, state_credentials: Any) -> None:
        require_running(env)
        env.stack.append(_invoke(cloud, parameters))

    lambda_eval_utils.execute_lambda_function_integration = invoke
    patch(StateTaskServiceLambda, _admit=admit, _from_error=_service_error)
    wrap(StateTaskServiceLambda, _eval_execution=released)
    patch(StateTaskLambda, _from_error=_plain_error)
    wrap(StateTaskLambda, _eval_execution=gated)


def _name(function: str) -> str:
    parts = function.split(":")
    return parts[6] if len(parts) > 6 else parts[-1] if "function" in parts else parts[0]


def _invoke(cloud: Cloud, parameters: dict[str, Any]) -> dict[str, Any]:
    """Invoke and wait: the answer as a state's result.

    Raises
    ------
    LambdaFunctionErrorException
        For an error of the function.
    CallRefused
        For one of Lambda.
    """
    service = functions.of(cloud)
    name, payload = str(parameters.get("FunctionName")), parameters.get("Payload") or b"{}"
    try:
        function = service.find(name, parameters.get("Qualifier"))
        context = str(parameters.get("ClientContext") or "")
        request_id, outcome = service.invoke(function, payload, context)
    except ThrottledError:
        raise CallRefused("TooManyRequestsException", 429, "Rate Exceeded.") from None
    except (JsonRESTError, ServiceException) as fault:
        code = getattr(fault, "error_type", None) or getattr(fault, "code", "ServiceException")
        raise CallRefused(str(code), 404, str(fault.message)) from None
    if outcome.error_type:
        raise LambdaFunctionErrorException("Unhandled", outcome.payload.decode())
    headers = {"Content-Type": "application/json", "x-amzn-RequestId": request_id}
    return {
        "ExecutedVersion": str(function.version),
        "Payload": _value(outcome.payload),
        "SdkHttpMetadata": {
            "AllHttpHeaders": {key: [value] for key, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
        "StatusCode": 200,
    }


def _value(payload: bytes) -> Any:
    text = payload.decode()
    try:
        return json.loads(text)
    except ValueError:
        return text


def _error_of(fault: Exception) -> Failed | None:
    """Error and cause as AWS tells them.

    https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html: what
    the function raised has the name of its type, what names no type is Lambda.Unknown. Lambda
    names the type of a timeout (Sandbox.Timedout) and of an exit (Runtime.ExitError).
    """
    if isinstance(fault, LambdaFunctionErrorException):
        try:
            return str(json.loads(fault.payload)["errorType"]), fault.payload
        except (ValueError, KeyError, TypeError):
            return "Lambda.Unknown", (
                "The cause could not be determined because Lambda did not return an error type. "
                f"Returned payload: {fault.payload}"
            )
    if isinstance(fault, CallRefused):
        code, status, message = fault.code, fault.status, fault.message
        request_id = str(uuid.uuid4())
    elif isinstance(fault, ClientError):
        told, answer = fault.response["Error"], fault.response["ResponseMetadata"]
        code, message = told["Code"], told["Message"]
        status, request_id = answer["HTTPStatusCode"], answer.get("RequestId", "")
    else:
        return None
    return f"Lambda.{code}", (
        f"{message} (Service: AWSLambda; Status Code: {status}; Error Code: {code}; "
        f"Request ID: {request_id}; Proxy: null)"
    )


def _service_error(self: Any, env: Any, ex: Exception) -> FailureEvent:
    told = _error_of(ex)
    if told is None:
        found: FailureEvent = super(StateTaskServiceLambda, self)._from_error(env=env, ex=ex)
        return found
    names = {"resource": self._get_sfn_resource(), "resourceType": self._get_sfn_resource_type()}
    return errors.failure(env, *told, **names).failure_event


_plain = StateTaskLambda._from_error


def _plain_error(self: Any, env: Any, ex: Exception) -> FailureEvent:
    told = _error_of(ex)
    if told is None:
        found: FailureEvent = _plain(self, env=env, ex=ex)
        return found
    details = {"error": told[0], "cause": told[1]}
    return FailureEvent(
        env=env,
        error_name=CustomErrorName(told[0]),
        event_type=HistoryEventType.LambdaFunctionFailed,
        event_details=cast(EventDetails, {"lambdaFunctionFailedEventDetails": details}),
    )
