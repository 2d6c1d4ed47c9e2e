"""Answers Invoke: moto routes it, and here the deployed code runs."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any
from urllib.parse import unquote

from moto.awslambda import models
from moto.awslambda.responses import LambdaResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import BaseResponse

from localcloud.engines.functions.asynchronous import Asynchronous, Waiting
from localcloud.engines.functions.pool import ThrottledError
from localcloud.engines.functions.service import Functions
from localcloud.engines.patching import patch

#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
REQUEST_BYTES = {"RequestResponse": 6_291_456, "Event": 1_048_576, "DryRun": 6_291_456}

REQUEST_ID = "x-amzn-requestid"

#: moto reads the status from the header of that name.
Answer = tuple[int, dict[str, str], bytes]


class InvokeError(JsonRESTError):
    """An invocation that Lambda would not begin."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(error_type, message)
        self.code = status


def install(functions: Functions, asynchronous: Asynchronous) -> None:
    """Put the answers in moto's place."""

    def invoke(self: Any) -> Answer:
        name = unquote(self.path.rsplit("/", 2)[-2])
        qualifier = self.querystring.get("Qualifier", [None])[0]
        return _invoke(functions, asynchronous, name, qualifier, _bytes(self.body), self.headers)

    def invoke_async(self: Any) -> Answer:
        name = unquote(self.path.rstrip("/").rsplit("/", 2)[-2])
        event = {"X-Amz-Invocation-Type": "Event"}
        return _invoke(functions, asynchronous, name, None, _bytes(self.body), event)

    def from_backend(
        self: Any, function_name: str, qualifier: str | None, body: Any, **told: Any
    ) -> bytes:
        """EventBridge and Secrets Manager inside moto: they wait for the answer."""
        _, headers, payload = _invoke(
            functions, asynchronous, function_name, qualifier, _bytes(body), {}
        )
        told["response_headers"].update(headers)
        return payload

    def from_service(self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        """SNS, S3 and CloudFormation inside moto: AWS invokes these asynchronously."""
        asynchronous.submit(Waiting(self.function_arn, None, _bytes(body)))
        return b""

    patch(LambdaResponse, invoke=invoke, invoke_async=invoke_async)
    patch(LambdaResponse, _enrich_response=staticmethod(_enrich))
    patch(models.LambdaBackend, invoke=from_backend)
    patch(models.LambdaFunction, invoke=from_service)


def _enrich(headers: dict[str, str], body: Any) -> tuple[dict[str, str], Any]:
    """Keep a request's own id: moto gives every answer a random one."""
    own = {REQUEST_ID: headers[REQUEST_ID]} if REQUEST_ID in headers else {}
    headers, body = BaseResponse._enrich_response(headers, body)
    return headers | own, body


def _invoke(
    functions: Functions,
    asynchronous: Asynchronous,
    name: str,
    qualifier: str | None,
    payload: bytes,
    headers: Any,
) -> Answer:
    kind = headers.get("X-Amz-Invocation-Type") or "RequestResponse"
    _check(kind, payload)
    function = functions.find(name, qualifier)
    context = _context(headers.get("X-Amz-Client-Context"))
    if kind == "DryRun":
        return 204, {"status": "204"}, b""
    if kind == "Event":
        event = Waiting(name, qualifier, payload, context)
        asynchronous.submit(event)
        return 202, {"status": "202", REQUEST_ID: event.request_id}, b""
    try:
        request_id, outcome = functions.invoke(function, payload, context)
    except ThrottledError:
        return _throttled()
    told = {
        "Content-Type": "application/json",
        REQUEST_ID: request_id,
        "X-Amz-Executed-Version": str(function.version),
    }
    if outcome.error_type:
        # "Unhandled" whether the handler raised or the process ended:
        # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
        told["X-Amz-Function-Error"] = "Unhandled"
    if headers.get("X-Amz-Log-Type") == "Tail":
        told["X-Amz-Log-Result"] = base64.b64encode(outcome.tail).decode()
    return 200, told, outcome.payload


def _check(kind: str, payload: bytes) -> None:
    if kind not in REQUEST_BYTES:
        raise InvokeError(400, "InvalidParameterValueException", f"Unknown type {kind!r}")
    most = REQUEST_BYTES[kind]
    if len(payload) > most:
        told = f"Request must be smaller than {most} bytes for the InvokeFunction operation"
        raise InvokeError(413, "RequestTooLargeException", told)
    try:
        json.loads(payload or b"{}")
    except ValueError as fault:
        told = f"Could not parse request body into json: {fault}"
        raise InvokeError(400, "InvalidRequestContentException", told) from None


def _context(header: str | None) -> str:
    try:
        return base64.b64decode(header or "", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        told = "Client context must be a valid Base64-encoded JSON object."
        raise InvokeError(400, "InvalidRequestContentException", told) from None


def _throttled() -> Answer:
    body = {
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    }
    told = {"status": "429", "x-amzn-ErrorType": "TooManyRequestsException"}
    return 429, told | {"Content-Type": "application/json"}, json.dumps(body).encode()


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")
