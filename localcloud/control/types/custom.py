"""Custom resources: CloudFormation asks a function, and the function answers to a URL.

    create, update, delete ──event──▶ function ──PUT answer──▶ ResponseURL (`Mailbox`)

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from localcloud.cloud import Cloud
from localcloud.control.errors import DeployError, HalfMadeError, Refused
from localcloud.control.functions import as_text
from localcloud.control.types.base import Here, Properties, Property, ResourceType

PAGE = "response"
LIMIT_S = 3600  # ServiceTimeout's default
ANSWER_BYTES = 4096  # "The total size of the response body can't exceed 4096 bytes."
LONGEST_CALL_S = 910  # a function runs for 900 s at most


class Mailbox:
    """The page that functions PUT their answers to."""

    def __init__(self) -> None:
        self._answers: dict[str, dict[str, Any]] = {}
        self._came: dict[str, threading.Event] = {}

    def open(self) -> str:
        """Await an answer; give its token."""
        token = str(uuid.uuid4())
        self._came[token] = threading.Event()
        return token

    def put(self, token: str, answer: dict[str, Any]) -> None:
        """Take an answer; only the first one counts."""
        if token in self._came and token not in self._answers:
            self._answers[token] = answer
            self._came[token].set()

    def take(self, token: str, limit_s: float) -> dict[str, Any] | None:
        """Wait for an answer, and close its slot."""
        self._came[token].wait(limit_s)
        del self._came[token]
        return self._answers.pop(token, None)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """Answer a PUT as S3 answers one to a presigned URL."""
        token = environ["PATH_INFO"].rsplit("/", 1)[-1]
        known = environ["REQUEST_METHOD"] == "PUT" and token in self._came
        if known:
            self.put(token, _answer(environ["wsgi.input"].read()))
        start("200 OK" if known else "403 Forbidden", [("Content-Length", "0")])
        return [b""]


def _answer(body: bytes) -> dict[str, Any]:
    if len(body) > ANSWER_BYTES:
        return {"Status": "FAILED", "Reason": "Response object is too long."}
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    bad = {"Status": "FAILED", "Reason": "Invalid JSON in the custom resource's response."}
    return found if isinstance(found, dict) else bad


def as_strings(value: Any) -> Any:
    """Every number and boolean as text: so does AWS with a custom resource's properties."""
    if isinstance(value, Mapping):
        return {key: as_strings(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_strings(item) for item in value]
    return as_text(value)


class CustomResource(ResourceType):
    """A resource that a function makes; `Custom::*` is the same."""

    type = "AWS::CloudFormation::CustomResource"
    properties = {
        "ServiceToken": Property("the function is told", replaces=False),
        "ServiceTimeout": Property("the function is told"),
    }

    def check(self, here: Here, want: Properties) -> None:
        """Any property is the function's own affair."""
        token = want.get("ServiceToken", "")
        if token and not token.startswith("{{") and ":lambda:" not in token:
            raise Refused.of(f"{here.type} ServiceToken {token}, which is no function,")

    def create(self, here: Here, want: Properties) -> str:
        """Send Create."""
        return self._ask(here, "Create", want, {})

    def update(self, here: Here, made: str, had: Properties, want: Properties) -> str:
        """Send Update; a new physical id has the old one deleted."""
        words = {"PhysicalResourceId": made, "OldResourceProperties": as_strings(had)}
        return self._ask(here, "Update", want, words)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Send Delete."""
        self._ask(here, "Delete", had, {"PhysicalResourceId": made})

    def read(self, here: Here, made: str, want: Properties) -> None:
        """Nothing can be read: the function alone knows."""

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The `Data` of the last answer."""
        return here.data

    def _ask(self, here: Here, what: str, want: Properties, more: Properties) -> str:
        mailbox = mailbox_of(here.cloud)
        token = mailbox.open()
        event = self._event(here, what, want, token) | more
        call = threading.Thread(target=_invoke, args=(here.cloud, mailbox, token, event))
        call.daemon = True
        call.start()
        answer = mailbox.take(token, float(want.get("ServiceTimeout", LIMIT_S)))
        made = str((answer or {}).get("PhysicalResourceId") or more.get("PhysicalResourceId", ""))
        if answer is None or answer.get("Status") != "SUCCESS" or not made:
            fault = _why(answer, event["RequestId"])
            raise HalfMadeError(fault, made or token) if what == "Create" else DeployError(fault)
        here.data.clear()
        here.data.update(answer.get("Data") or {})
        return made

    def _event(self, here: Here, what: str, want: Properties, token: str) -> Properties:
        return {
            "RequestType": what,
            "ServiceToken": want["ServiceToken"],
            "ResponseURL": f"{here.cloud.endpoint}/_localcloud/{PAGE}/{token}",
            "StackId": here.stack_id,
            "RequestId": str(uuid.uuid4()),
            "LogicalResourceId": here.logical_id,
            "ResourceType": here.type,
            "ResourceProperties": as_strings(want),
        }


def mailbox_of(cloud: Cloud) -> Mailbox:
    """Give the cloud's mailbox."""
    found = cloud.pages.setdefault(PAGE, Mailbox())
    assert isinstance(found, Mailbox)  # noqa: S101
    return found


def _why(answer: dict[str, Any] | None, request_id: str) -> str:
    if answer is None:
        return (
            "CloudFormation did not receive a response from your Custom Resource. "
            f"Please check your logs for requestId [{request_id}]."
        )
    if answer.get("Status") == "SUCCESS":
        return "Invalid PhysicalResourceId"
    reason = answer.get("Reason") or "no reason given"
    return f"Received response status [FAILED] from custom resource. Message returned: {reason}"


def _invoke(cloud: Cloud, mailbox: Mailbox, token: str, event: Properties) -> None:
    """Call the function; what it raises is an answer too, which AWS would wait an hour for."""
    client = cloud.client("lambda", read_timeout=LONGEST_CALL_S, retries={"total_max_attempts": 1})
    try:
        got = client.invoke(FunctionName=event["ServiceToken"], Payload=json.dumps(event))
        body = got["Payload"].read()
    except Exception as fault:
        mailbox.put(token, {"Status": "FAILED", "Reason": f"{type(fault).__name__}: {fault}"})
        return
    if got.get("FunctionError"):
        told = _answer(body[:ANSWER_BYTES])
        reason = f"{told.get('errorType', 'Error')}: {told.get('errorMessage', body[:500])}"
        mailbox.put(token, {"Status": "FAILED", "Reason": f"the function failed: {reason}"})
