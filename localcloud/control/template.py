"""A template's text becomes its sections; what the local cloud doesn't know is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from localcloud.control.errors import ApiError, Refused

SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
}
RESOURCE_KEYS = {
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "Metadata",
    "DeletionPolicy",
    "UpdateReplacePolicy",
}
POLICIES = {"Delete", "Retain", "RetainExceptOnCreate"}


@dataclass(frozen=True)
class Template:
    """A template as it was given, and its sections."""

    text: str
    sections: dict[str, Any]

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Definitions by logical id."""
        found: dict[str, dict[str, Any]] = self.sections.get("Resources") or {}
        return found

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """Declarations by name."""
        found: dict[str, dict[str, Any]] = self.sections.get("Parameters") or {}
        return found

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """Outputs by key."""
        found: dict[str, dict[str, Any]] = self.sections.get("Outputs") or {}
        return found


EMPTY = Template("", {})


def parse(text: str) -> Template:
    """Read JSON or YAML.

    Raises
    ------
    ApiError
        Where it is not a template.
    Refused
        Where it has a section or a resource attribute that can't be honoured.
    """
    try:
        sections = json.loads(text)
    except ValueError:
        sections = _yaml(text)
    if not isinstance(sections, dict) or not isinstance(sections.get("Resources"), dict):
        raise ApiError("Template format error: At least one Resources member must be defined.")
    for unknown in sorted(set(sections) - SECTIONS):
        raise Refused.of(f"The template section {unknown}")
    for logical_id, definition in sections["Resources"].items():
        _check_resource(logical_id, definition)
    return Template(text, sections)


def _check_resource(logical_id: str, definition: Any) -> None:
    if not isinstance(definition, dict) or not isinstance(definition.get("Type"), str):
        raise ApiError(f"Template format error: Resource {logical_id} has no Type.")
    for unknown in sorted(set(definition) - RESOURCE_KEYS):
        raise Refused.of(f"{definition['Type']} {logical_id}'s attribute {unknown}")
    for key in ("DeletionPolicy", "UpdateReplacePolicy"):
        if definition.get(key, "Delete") not in POLICIES:
            raise Refused.of(f"{definition['Type']} {logical_id}'s {key} {definition[key]}")


def _yaml(text: str) -> Any:
    import yaml  # type: ignore[import-untyped]  # the cdk sends JSON; people write this

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Safe, with the short forms of intrinsic functions, and dates left as text."""

        yaml_implicit_resolvers = {
            first: [(tag, regexp) for tag, regexp in found if not tag.endswith(":timestamp")]
            for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    def short(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
        name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
        if isinstance(node, yaml.ScalarNode):
            value = loader.construct_scalar(node)
            return {name: value.split(".", 1) if suffix == "GetAtt" else value}
        if isinstance(node, yaml.SequenceNode):
            return {name: loader.construct_sequence(node, deep=True)}
        return {name: loader.construct_mapping(node, deep=True)}

    Loader.add_multi_constructor("!", short)
    try:
        return yaml.load(text, Loader=Loader)  # noqa: S506  a safe loader
    except yaml.YAMLError as fault:
        raise ApiError(f"Template format error: YAML not well-formed. {fault}") from fault
