"""Our records in the shapes of CloudFormation's API."""

from __future__ import annotations

from typing import Any

from localcloud.control.stacks import ChangeSet, Event, Request, Resource, Stack
from localcloud.control.template import Template

Shape = dict[str, Any]
NO_DRIFT = {"StackDriftStatus": "NOT_CHECKED"}


def _tags(tags: dict[str, str]) -> list[Shape]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _parameters(request: Request) -> list[Shape]:
    declared = request.template.parameters
    found = []
    for name, text in request.texts.items():
        each = {"ParameterKey": name, "ParameterValue": text}
        if declared[name].get("NoEcho"):
            each["ParameterValue"] = "****"
        if declared[name].get("Type", "").startswith("AWS::SSM::"):
            value = request.values[name]
            each["ResolvedValue"] = value if isinstance(value, str) else ",".join(value)
        found.append(each)
    return found


def stack(each: Stack) -> Shape:
    """A stack as DescribeStacks and ListStacks tell it."""
    outputs = [
        {
            "OutputKey": o.key,
            "OutputValue": o.value,
            "Description": o.description or None,
            "ExportName": o.export or None,
        }
        for o in each.outputs.values()
    ]
    return {
        "StackId": each.id,
        "StackName": each.name,
        "ChangeSetId": each.change_set or None,
        "Description": each.request.template.sections.get("Description"),
        "TemplateDescription": each.request.template.sections.get("Description"),
        "Parameters": _parameters(each.request),
        "CreationTime": each.created,
        "LastUpdatedTime": each.updated,
        "DeletionTime": each.deleted,
        "StackStatus": each.status,
        "StackStatusReason": each.reason or None,
        "DisableRollback": each.request.keep_failed,
        "NotificationARNs": [],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Outputs": outputs,
        "RoleARN": each.request.role or None,
        "Tags": _tags(each.request.tags),
        "EnableTerminationProtection": each.protected,
        "DriftInformation": NO_DRIFT,
        "RollbackConfiguration": {},
    }


def event(each: Event) -> Shape:
    """An event."""
    return {
        "StackId": each.stack_id,
        "EventId": each.id,
        "StackName": each.stack_name,
        "LogicalResourceId": each.logical_id,
        "PhysicalResourceId": each.physical_id,
        "ResourceType": each.type,
        "Timestamp": each.time,
        "ResourceStatus": each.status,
        "ResourceStatusReason": each.reason or None,
    }


def resource(owner: Stack, each: Resource) -> Shape:
    """A resource, in the three shapes that the API has for it."""
    return {
        "StackId": owner.id,
        "StackName": owner.name,
        "LogicalResourceId": each.logical_id,
        "PhysicalResourceId": each.physical_id,
        "ResourceType": each.type,
        "Timestamp": each.updated,
        "LastUpdatedTimestamp": each.updated,
        "ResourceStatus": each.status,
        "ResourceStatusReason": each.reason or None,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def change_set(each: ChangeSet) -> Shape:
    """A change set."""
    return {
        "ChangeSetName": each.name,
        "ChangeSetId": each.id,
        "StackId": each.stack.id,
        "StackName": each.stack.name,
        "Description": each.description or None,
        "Parameters": _parameters(each.request),
        "CreationTime": each.created,
        "ExecutionStatus": each.execution,
        "Status": each.status,
        "StatusReason": each.reason or None,
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Tags": _tags(each.request.tags),
        "Changes": [{"Type": "Resource", "ResourceChange": line} for line in each.changes],
        "IncludeNestedStacks": False,
    }


def template(text: str) -> Shape:
    """A template."""
    return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}


def summary(each: Template) -> Shape:
    """What a template declares."""
    parameters = [
        {
            "ParameterKey": name,
            "DefaultValue": words.get("Default"),
            "ParameterType": words.get("Type", "String"),
            "NoEcho": bool(words.get("NoEcho")),
            "Description": words.get("Description"),
        }
        for name, words in each.parameters.items()
    ]
    return {
        "Parameters": parameters,
        "Description": each.sections.get("Description"),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "ResourceTypes": sorted({words["Type"] for words in each.resources.values()}),
        "Version": each.sections.get("AWSTemplateFormatVersion"),
        "ResourceIdentifierSummaries": [],
    }
