"""The calls of states: one set of clients for all, and values in the shapes of both sides.

The states language writes every field in PascalCase, as the SDK for Java does; moto hands
them to boto3 as they are, which knows `stateMachineArn` and no `StateMachineArn`.
"""

from __future__ import annotations

import datetime
import json
import re
import sys
from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.response import StreamingBody

from localcloud.cloud import Cloud

SERVICES = {"sfn": "stepfunctions", "states": "stepfunctions", "elasticmapreduce": "emr"}

#: A call waits as long as Lambda lets a function run.
READ_TIMEOUT_S = 930

WhenTold = Callable[[datetime.datetime], Any]


def install(cloud: Cloud) -> None:
    """Have moto's interpreter use the cloud's clients: it makes one for each call, in 50 ms."""

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        return client(cloud, service)

    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions") and hasattr(module, "boto_client_for"):
            vars(module)["boto_client_for"] = boto_client_for


def client(cloud: Cloud, service: str) -> Any:
    """Give the client that states call a service with: it never tries twice by itself."""
    return cloud.client(
        SERVICES.get(service, service),
        retries={"total_max_attempts": 1},
        read_timeout=READ_TIMEOUT_S,
        parameter_validation=False,
        max_pool_connections=64,
    )


def to_boto(value: Any, shape: Shape, where: str = "Parameters") -> Any:
    """A state's parameters as boto3 takes them.

    Raises
    ------
    ValueError
        For a field that the call doesn't have.
    """
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        found = {}
        for key, inner in value.items():
            if key.lower() not in members:
                raise ValueError(f"The field {key!r} of {where} is not one of {shape.name}'s.")
            name = members[key.lower()]
            found[name] = to_boto(inner, shape.members[name], f"{where}.{key}")
        return found
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [to_boto(inner, shape.member, where) for inner in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: to_boto(inner, shape.value, where) for key, inner in value.items()}
    if shape.type_name == "string" and not isinstance(value, str) and value is not None:
        return json.dumps(value, separators=(",", ":"))
    if shape.type_name == "blob" and not isinstance(value, bytes):
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        return text.encode()
    return value


def from_boto(value: Any, shape: Shape | None, when: WhenTold) -> Any:
    """What boto3 answers as a state gives it on."""
    if isinstance(value, datetime.datetime):
        return when(value)
    if isinstance(value, StreamingBody):
        return value.read().decode()
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        member = shape.member if isinstance(shape, ListShape) else None
        return [from_boto(inner, member, when) for inner in value]
    if isinstance(value, dict):
        if isinstance(shape, StructureShape):
            return {
                key[:1].upper() + key[1:]: from_boto(inner, shape.members.get(key), when)
                for key, inner in value.items()
                if key != "ResponseMetadata"
            }
        inside = shape.value if isinstance(shape, MapShape) else None
        return {key: from_boto(inner, inside, when) for key, inner in value.items()}
    return value


def milliseconds(when: datetime.datetime) -> int:
    """A time as the optimised integrations tell it."""
    return round(when.timestamp() * 1000)


def iso(when: datetime.datetime) -> str:
    """A time as the SDK integrations tell it, and the context object."""
    utc = when.astimezone(datetime.UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def sdk_name(service_id: str) -> str:
    """A service's name in the errors of SDK integrations: `DynamoDB` is `DynamoDb`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+|\d+", service_id)
    return "".join(word[:1].upper() + word[1:].lower() for word in words)
