"""AWS::StepFunctions::StateMachine."""

from __future__ import annotations

import json
import re
from typing import Any

from localcloud.control.errors import DeployError, Refused
from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    lower_first,
    retag,
    tag_list,
    taken,
)

READ = "states:DescribeStateMachine"
DEFINITIONS = ("Definition", "DefinitionString", "DefinitionS3Location")


class StateMachine(ResourceType):
    """A state machine; `Ref` gives its ARN."""

    type = "AWS::StepFunctions::StateMachine"
    named_by = "StateMachineName"
    properties = {
        "StateMachineName": Property(READ, replaces=True),
        "StateMachineType": Property(READ, replaces=True, default="STANDARD"),
        "RoleArn": Property(READ, stored="roles are not enforced inside state machines"),
        "Definition": Property(READ),
        "DefinitionString": Property(READ),
        "DefinitionS3Location": Property("s3:GetObject"),
        # What it gives is read back in the definition.
        "DefinitionSubstitutions": Property("cloudformation:GetTemplate"),
        "LoggingConfiguration": Property(
            READ,
            default={"Level": "OFF", "IncludeExecutionData": False, "Destinations": []},
            stored="the history is given by GetExecutionHistory alone",
        ),
        "TracingConfiguration": Property(READ, default={"Enabled": False}),
        "Tags": Property("states:ListTagsForResource", ordered=False),
    }

    def check(self, here: Here, want: Properties) -> None:
        """Refuse X-Ray, and more or less than one definition."""
        super().check(here, want)
        if (want.get("TracingConfiguration") or {}).get("Enabled") in (True, "true"):
            raise Refused.of(f"{self.type} TracingConfiguration.Enabled")
        given = [name for name in DEFINITIONS if name in want]
        if len(given) != 1:
            raise DeployError(
                f"While checking {here.logical_id}, found the definitions {given}. "
                f"A state machine has one. Give one of {', '.join(DEFINITIONS)}."
            )

    def create(self, here: Here, want: Properties) -> str:
        """Make the machine; one of the same name is not taken over."""
        name = str(want.get("StateMachineName") or here.name(80))
        client = here.client("stepfunctions")
        try:
            client.describe_state_machine(
                stateMachineArn=here.arn("states", f"stateMachine:{name}")
            )
        except client.exceptions.StateMachineDoesNotExist:
            words = _words(here, want) | {"type": want.get("StateMachineType", "STANDARD")}
            return str(client.create_state_machine(name=name, **words)["stateMachineArn"])
        raise taken(self.type, name)

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Change the definition in place, and the tags."""
        client = here.client("stepfunctions")
        if had:
            client.update_state_machine(stateMachineArn=made, **_words(here, want))
        retag(
            had,
            want,
            lambda keys: client.untag_resource(resourceArn=made, tagKeys=keys),
            lambda tags: client.tag_resource(resourceArn=made, tags=tag_list(tags, "key", "value")),
        )

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the machine; what runs of it is stopped, since nobody could see it."""
        here.client("stepfunctions").delete_state_machine(stateMachineArn=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the machine."""
        client = here.client("stepfunctions")
        got = client.describe_state_machine(stateMachineArn=made)
        tags = client.list_tags_for_resource(resourceArn=made)["tags"]
        found = {
            "StateMachineName": got["name"],
            "StateMachineType": got["type"],
            "RoleArn": got["roleArn"],
            "LoggingConfiguration": _upper_first(got["loggingConfiguration"]),
            "TracingConfiguration": _upper_first(got["tracingConfiguration"]),
            "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in tags],
        }
        if _definition(here, want) == got["definition"]:
            same = (*DEFINITIONS, "DefinitionSubstitutions")
            found |= {name: want[name] for name in same if name in want}
        return found

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """ARN, name and revision."""
        got = here.client("stepfunctions").describe_state_machine(stateMachineArn=made)
        revision = got.get("revisionId", "INITIAL")
        return {"Arn": made, "Name": got["name"], "StateMachineRevisionId": revision}


def _words(here: Here, want: Properties) -> dict[str, Any]:
    logging = lower_first(want.get("LoggingConfiguration") or {"Level": "OFF"})
    if "includeExecutionData" in logging:
        logging["includeExecutionData"] = str(logging["includeExecutionData"]).lower() == "true"
    return {
        "definition": _definition(here, want),
        "roleArn": want["RoleArn"],
        "loggingConfiguration": logging,
        "tracingConfiguration": {"enabled": False},
    }


def _definition(here: Here, want: Properties) -> str:
    """The definition, each `${name}` of DefinitionSubstitutions put in."""
    if "DefinitionS3Location" in want:
        at = want["DefinitionS3Location"]
        words = {"VersionId": at["Version"]} if at.get("Version") else {}
        got = here.client("s3").get_object(Bucket=at["Bucket"], Key=at["Key"], **words)
        text = got["Body"].read().decode()
    elif "Definition" in want:
        text = json.dumps(want["Definition"])
    else:
        text = str(want["DefinitionString"])
    given = want.get("DefinitionSubstitutions") or {}

    def put(match: re.Match[str]) -> str:
        value = given.get(match[1], match[0])
        return str(value).lower() if isinstance(value, bool) else str(value)

    return re.sub(r"\$\{([^}]+)\}", put, text)


def _upper_first(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _upper_first(inner) for key, inner in value.items()}
    return [_upper_first(item) for item in value] if isinstance(value, list) else value
