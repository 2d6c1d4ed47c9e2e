"""The table of resource types: every type, its properties, and what reads each back."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from localcloud.control.errors import Refused
from localcloud.control.types.base import Property, ResourceType

CUSTOM = "AWS::CloudFormation::CustomResource"


MODULES = (
    "s3",
    "kinesis",
    "awslambda",
    "awslambda_layer",
    "awslambda_mapping",
    "awslambda_permission",
    "iam",
    "iam_policies",
    "iam_profiles",
    "ec2",
    "ec2_routes",
    "ec2_groups",
    "sqs",
    "sns",
    "glue",
    "athena",
    "batch",
    "batch_definition",
    "codebuild",
    "logs",
    "cloudwatch",
    "ssm",
    "stepfunctions",
    "ecr",
    "kms",
    "cdk",
    "custom",
)


@cache
def table() -> dict[str, ResourceType]:
    """All types by name."""
    found: dict[str, ResourceType] = {}
    for name in MODULES:
        for each in vars(importlib.import_module(f"{__package__}.{name}")).values():
            if isinstance(each, type) and issubclass(each, ResourceType) and "type" in vars(each):
                found[each.type] = each()
    return found


def type_of(name: str) -> ResourceType:
    """Give a resource type.

    Raises
    ------
    Refused
        Where the local cloud has none of that name.
    """
    known = table()
    key = CUSTOM if name.startswith("Custom::") else name
    if key not in known:
        raise Refused.of(f"The resource type {name}")
    return known[key]


def read_by(type_name: str, name: str) -> str:
    """Name the API call that reads a property back, or give an empty string.

    Tests list with it every property that the templates set.
    """
    found: Property | None = type_of(type_name).properties.get(name)
    return found.read_by if found else ""


def stored(type_name: str, properties: dict[str, Any]) -> dict[str, str]:
    """The properties that are only stored, each with why."""
    declared = type_of(type_name).properties
    return {
        name: declared[name].stored
        for name in properties
        if name in declared and declared[name].stored
    }
