"""AWS::Lambda's function, layer version and permission; see also `awslambda_mapping`."""

from __future__ import annotations

import json
from typing import Any

from localcloud.control.types import awslambda_code as code
from localcloud.control.types.awslambda_mapping import EventSourceMapping
from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    changed,
    gone,
    pick,
    tag_map,
)

__all__ = ["EventSourceMapping", "Function", "LayerVersion", "Permission"]

READ = "lambda:GetFunctionConfiguration"
#: What UpdateFunctionConfiguration takes, and its value where a template sets none.
SETTINGS: dict[str, Any] = {
    "DeadLetterConfig": {"TargetArn": ""},
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "Handler": "",
    "KmsKeyArn": "",
    "Layers": [],
    "LoggingConfig": {},
    "MemorySize": 128,
    "Role": "",
    "Runtime": "",
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
}
API_NAMES = {"KmsKeyArn": "KMSKeyArn"}


class Function(ResourceType):
    """A function."""

    type = "AWS::Lambda::Function"
    named_by = "FunctionName"
    properties = {
        **{name: Property(READ, default=default or None) for name, default in SETTINGS.items()},
        "KmsKeyArn": Property(READ, stored="code and environment lie unencrypted"),
        "Architectures": Property(READ, default=["x86_64"]),
        "Code": Property("lambda:GetFunctionConfiguration (CodeSha256)"),
        "FunctionName": Property(READ, replaces=True),
        "PackageType": Property(READ, replaces=True),
        "ReservedConcurrentExecutions": Property("lambda:GetFunctionConcurrency"),
        "Tags": Property("lambda:ListTags", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the function; one of the same name is an error."""
        name = str(want.get("FunctionName") or here.name(64))
        words = _settings(want) | pick(want, "Architectures", "PackageType")
        here.client("lambda").create_function(
            FunctionName=name, Code=code.words_of(want["Code"]), **words
        )
        return name

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Update code, settings, concurrency and tags."""
        client = here.client("lambda")
        if had and changed(had, want, "Code", "Architectures"):
            words = code.words_of(want["Code"]) | pick(want, "Architectures")
            client.update_function_code(FunctionName=made, **words)
        if had and changed(had, want, *SETTINGS):
            reset = {k: v for k, v in SETTINGS.items() if k in had and k not in want}
            client.update_function_configuration(FunctionName=made, **_settings(reset | want))
        if changed(had, want, "ReservedConcurrentExecutions"):
            _set_concurrency(client, made, want.get("ReservedConcurrentExecutions"))
        arn = here.arn("lambda", f"function:{made}")
        lost = gone(had.get("Tags"), want.get("Tags"))
        if lost:
            client.untag_resource(Resource=arn, TagKeys=lost)
        if want.get("Tags"):
            client.tag_resource(Resource=arn, Tags=tag_map(want["Tags"]))

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the function."""
        client = here.client("lambda")
        try:
            client.delete_function(FunctionName=made)
        except client.exceptions.ResourceNotFoundException:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the function's configuration, and compare its code's hash."""
        client = here.client("lambda")
        got = client.get_function_configuration(FunctionName=made)
        names = (*SETTINGS, "Architectures", "FunctionName", "PackageType")
        found = {name: got[api] for name in names if (api := API_NAMES.get(name, name)) in got}
        found["Layers"] = [each["Arn"] for each in got.get("Layers", [])]
        if "Code" in want and code.sha256(here, want["Code"]) == got["CodeSha256"]:
            found["Code"] = pick(want["Code"], *code.KEYS)
        concurrency = client.get_function_concurrency(FunctionName=made)
        found |= pick(concurrency, "ReservedConcurrentExecutions")
        tags = client.list_tags(Resource=got["FunctionArn"])["Tags"]
        return found | {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The ARN."""
        return {"Arn": here.arn("lambda", f"function:{made}")}


def _settings(want: Properties) -> Properties:
    found = {API_NAMES.get(name, name): want[name] for name in SETTINGS if name in want}
    for name in ("MemorySize", "Timeout"):
        if name in found:
            found[name] = int(found[name])
    variables = (found.get("Environment") or {}).get("Variables")
    if variables:
        texts = {key: str(value) for key, value in variables.items()}
        found["Environment"] = {"Variables": texts}
    return found


def _set_concurrency(client: Any, made: str, value: Any) -> None:
    if value is None:
        client.delete_function_concurrency(FunctionName=made)
    else:
        client.put_function_concurrency(FunctionName=made, ReservedConcurrentExecutions=int(value))


class LayerVersion(ResourceType):
    """A version of a layer; every change makes a new one. `Ref` gives its ARN."""

    type = "AWS::Lambda::LayerVersion"
    properties = {
        name: Property("lambda:GetLayerVersion", replaces=True, ordered=False)
        for name in (
            "CompatibleArchitectures",
            "CompatibleRuntimes",
            "Content",
            "Description",
            "LayerName",
            "LicenseInfo",
        )
    }

    def create(self, here: Here, want: Properties) -> str:
        """Publish the version."""
        words = pick(
            want, "CompatibleArchitectures", "CompatibleRuntimes", "Description", "LicenseInfo"
        )
        got = here.client("lambda").publish_layer_version(
            LayerName=want.get("LayerName") or here.name(140), Content=want["Content"], **words
        )
        return str(got["LayerVersionArn"])

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the version; functions that have it keep it."""
        name, version = made.rsplit(":", 2)[1:]
        here.client("lambda").delete_layer_version(LayerName=name, VersionNumber=int(version))

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the version, and compare its content's hash."""
        name, version = made.rsplit(":", 2)[1:]
        client = here.client("lambda")
        got = client.get_layer_version(LayerName=name, VersionNumber=int(version))
        found = pick(got, *self.properties) | {"LayerName": name}
        del found["Content"]
        if code.sha256(here, want["Content"]) == got["Content"]["CodeSha256"]:
            found["Content"] = pick(want["Content"], *code.KEYS)
        return found

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The ARN."""
        return {"LayerVersionArn": made}


class Permission(ResourceType):
    """A statement of a function's policy; every change makes a new one."""

    type = "AWS::Lambda::Permission"
    properties = {
        name: Property(
            "lambda:GetPolicy",
            replaces=True,
            stored="" if name == "FunctionName" else "the policies of functions are not enforced",
        )
        for name in ("Action", "FunctionName", "Principal", "SourceAccount", "SourceArn")
    }

    def create(self, here: Here, want: Properties) -> str:
        """Add the statement."""
        name = here.name(100)
        words = pick(want, "Action", "FunctionName", "Principal", "SourceAccount", "SourceArn")
        here.client("lambda").add_permission(StatementId=name, **words)
        return name

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Remove the statement."""
        client = here.client("lambda")
        try:
            client.remove_permission(FunctionName=had["FunctionName"], StatementId=made)
        except client.exceptions.ResourceNotFoundException:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Find the statement in the function's policy."""
        policy = here.client("lambda").get_policy(FunctionName=want["FunctionName"])["Policy"]
        for each in json.loads(policy)["Statement"]:
            if each["Sid"] == made:
                return self._told(each, want)
        return {}

    def _told(self, statement: Properties, want: Properties) -> Properties:
        principal = statement["Principal"]
        texts = list(principal.values()) if isinstance(principal, dict) else [principal]
        conditions = statement.get("Condition", {})
        found = {"Action": statement["Action"], "FunctionName": want["FunctionName"]}
        found["Principal"] = texts[0]
        for name in ("SourceAccount", "SourceArn"):
            for each in conditions.values():
                if f"AWS:{name}" in each:
                    found[name] = each[f"AWS:{name}"]
        return found
