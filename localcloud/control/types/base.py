"""The base of every resource type: how it is made, changed, deleted and read back.

A type is a small class that declares its properties. After every create and update the
control plane reads the resource back by the service's own API calls and compares, property
by property (`localcloud.control.verify`), so no property is lost in silence.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.control.errors import ApiError, DeployError, Refused

Properties = dict[str, Any]
LETTERS = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class Property:
    """One property of a resource type.

    Parameters
    ----------
    read_by : str
        The API call that gives it back, as ``s3:GetBucketVersioning``.
    stored : str
        Empty where the local cloud acts on it; else why it is only stored.
    replaces : bool
        Whether a change makes a new resource in the old one's place.
    ordered : bool
        Whether the order of a list matters.
    default : Any
        What reads back where a template leaves it out, as far as it says anything.
    """

    read_by: str
    stored: str = ""
    replaces: bool = False
    ordered: bool = True
    default: Any = None


@dataclass(frozen=True)
class Here:
    """Where a resource stands: its cloud, its stack, its logical id."""

    cloud: Cloud
    stack_name: str
    stack_id: str
    logical_id: str
    type: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Give the cloud's client of a service."""
        return self.cloud.client(service)

    def arn(self, service: str, rest: str) -> str:
        """Write an ARN in this account and region."""
        return f"arn:aws:{service}:{self.cloud.region}:{self.cloud.account}:{rest}"

    def name(self, limit: int = 64, *, lower: bool = False, suffix: str = "") -> str:
        """Make a physical name up, as CloudFormation does: stack, logical id, a random part."""
        tail = "-" + "".join(secrets.choice(LETTERS) for _ in range(12)) + suffix
        room = limit - len(tail) - 1
        stack = self.stack_name[: max(room - len(self.logical_id), room // 2)]
        made = f"{stack}-{self.logical_id[: room - len(stack)]}{tail}"
        return made.lower() if lower else made


class ResourceType:
    """One resource type; its subclasses are the type table."""

    type: ClassVar[str]
    properties: ClassVar[Mapping[str, Property]]
    named_by: ClassVar[str] = ""
    """The property that names it: two resources can't have the same one."""
    tags_are_a_map: ClassVar[bool] = False

    def ref(self, made: str) -> str:
        """What `Ref` gives."""
        return made

    def create(self, here: Here, want: Properties) -> str:
        """Make the bare resource and give its physical id; `settle` does the rest."""
        raise NotImplementedError

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Bring a resource from `had` (empty after `create`) to `want`, in place."""

    def update(self, here: Here, made: str, had: Properties, want: Properties) -> str:
        """Change a resource; a new physical id has the old resource deleted later."""
        self.settle(here, made, had, want)
        return made

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete a resource."""
        raise NotImplementedError

    def read(self, here: Here, made: str, want: Properties) -> Properties | None:
        """Read the resource's properties back, by the service's own API.

        `want` helps where a service has no list of what belongs to a resource. None means
        that there is nothing to compare.
        """
        raise NotImplementedError

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """What `Fn::GetAtt` gives."""
        return {}

    def check(self, here: Here, want: Properties) -> None:
        """Refuse by name, before anything is made, what can't be honoured.

        Values that are known only after other resources are made are None.
        """
        for name in want:
            if name not in self.properties:
                raise Refused.of(f"{self.type} {name}")

    def attribute(self, here: Here, made: str, want: Properties, name: str) -> Any:
        """Give one attribute.

        Raises
        ------
        ApiError
            Where the type has none of that name here.
        """
        found = self.attributes(here, made, want)
        if name not in found:
            raise ApiError(
                f"Template error: resource {here.logical_id} does not support attribute type "
                f"{name} in Fn::GetAtt"
            )
        return found[name]

    def replaced_by(self, had: Properties, want: Properties) -> list[str]:
        """Name the changed properties that need a new resource."""
        names = had.keys() | want.keys()
        return sorted(
            name
            for name in names
            if name in self.properties
            and self.properties[name].replaces
            and had.get(name) != want.get(name)
        )


def taken(type_name: str, name: str) -> DeployError:
    """Say, as CloudFormation does, that a name is in use."""
    return DeployError(f"Resource of type '{type_name}' with identifier '{name}' already exists.")


def pick(source: Mapping[str, Any], *names: str) -> Properties:
    """Take the named keys that are there."""
    return {name: source[name] for name in names if name in source}


def changed(had: Mapping[str, Any], want: Mapping[str, Any], *names: str) -> bool:
    """Whether any of these differs."""
    return any(had.get(name) != want.get(name) for name in names)


def tag_map(tags: Any) -> dict[str, str]:
    """CloudFormation's list of tags, or its map of them, as a map of text."""
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    return {str(tag["Key"]): str(tag["Value"]) for tag in tags or ()}


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[Properties]:
    """A map of tags as a list."""
    return [{key: name, value: text} for name, text in tags.items()]


def retag(
    had: Properties,
    want: Properties,
    untag: Callable[[list[str]], Any],
    tag: Callable[[dict[str, str]], Any],
) -> None:
    """Bring a resource's tags to what the template says, by a service's two calls."""
    before, after = tag_map(had.get("Tags")), tag_map(want.get("Tags"))
    lost = sorted(before.keys() - after.keys())
    if lost:
        untag(lost)
    if after and after != before:
        tag(after)


def document(value: Any) -> str:
    """Write a policy document as a service takes it."""
    return value if isinstance(value, str) else json.dumps(value)


def lower_first(value: Any, keep: Iterable[str] = ()) -> Any:
    """CloudFormation's PascalCase as an API's camelCase; maps named in `keep` stay whole."""
    if isinstance(value, Mapping):
        return {
            key[:1].lower() + key[1:]: inner if key in keep else lower_first(inner, keep)
            for key, inner in value.items()
        }
    return [lower_first(item, keep) for item in value] if isinstance(value, list) else value


def missing(fault: ClientError, *codes: str) -> bool:
    """Whether a service says that something is not there."""
    code = fault.response["Error"]["Code"]
    return code in codes or "NotFound" in code or code.startswith("NoSuch") or code == "404"
