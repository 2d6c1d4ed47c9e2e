"""AWS::Lambda::Function; see also `awslambda_layer`, `_mapping`, `_permission`."""

from __future__ import annotations

from typing import Any

from localcloud.control.types import awslambda_code as code
from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    changed,
    pick,
    retag,
)

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
        retag(
            had,
            want,
            lambda keys: client.untag_resource(Resource=arn, TagKeys=keys),
            lambda tags: client.tag_resource(Resource=arn, Tags=tags),
        )

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
