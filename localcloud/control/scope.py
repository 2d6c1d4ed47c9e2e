"""What the names in a template stand for, while a stack is put in place or a change is told."""

from __future__ import annotations

from typing import Any

from localcloud.cloud import Cloud
from localcloud.control.errors import ApiError, Refused
from localcloud.control.functions import NO_VALUE, resolve
from localcloud.control.logic import holds
from localcloud.control.stacks import Request, Resource, Stack
from localcloud.control.store import Store
from localcloud.control.types.base import Here
from localcloud.control.types.registry import type_of

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"  # as AWS writes it in a change set


class StackScope:
    """The names of one stack under one request.

    Parameters
    ----------
    cloud, store, stack, request
        Where the names live.
    unsure : set of str, optional
        For a preview: resources that don't exist yet or will be replaced; what refers to
        them is `LATER`.
    """

    def __init__(
        self,
        cloud: Cloud,
        store: Store,
        stack: Stack,
        request: Request,
        unsure: set[str] | None = None,
    ) -> None:
        self.region = cloud.region
        self.imports: set[str] = set()
        self.unsure = unsure
        self._cloud, self._store, self._stack, self._request = cloud, store, stack, request
        self._sections = request.template.sections
        self._conditions: dict[str, bool] = {}
        self._pseudo = {
            "AWS::AccountId": cloud.account,
            "AWS::Region": cloud.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": stack.name,
            "AWS::StackId": stack.id,
            "AWS::NotificationARNs": list(request.notify),
            "AWS::NoValue": NO_VALUE,
        }

    def ref(self, name: str) -> Any:
        """Value of a parameter, a pseudo parameter or a resource."""
        for known in (self._pseudo, self._request.values):
            if name in known:
                return known[name]
        if self.unsure is not None and name in self.unsure:
            return LATER
        return type_of(self._resource(name).type).ref(self._resource(name).physical_id)

    def attribute(self, logical_id: str, name: str) -> Any:
        """Attribute of a resource."""
        if self.unsure is not None and logical_id in self.unsure:
            return LATER
        found = self._resource(logical_id)
        here = self.here(logical_id, found)
        return type_of(found.type).attribute(here, found.physical_id, found.properties, name)

    def here(self, logical_id: str, found: Resource | None = None, kind: str = "") -> Here:
        """Where a resource stands."""
        data = found.data if found else {}
        kind = found.type if found else kind
        return Here(self._cloud, self._stack.name, self._stack.id, logical_id, kind, data)

    def _resource(self, name: str) -> Resource:
        if name in self._stack.resources:
            return self._stack.resources[name]
        raise ApiError(f"Template format error: Unresolved resource dependencies [{name}]")

    def imported(self, name: str) -> Any:
        """Value of another stack's export."""
        if name == LATER:
            return LATER
        value = self._store.export(name)
        if value is None:
            raise ApiError(f"No export named {name} found.")
        self.imports.add(name)
        return value

    def condition(self, name: str) -> bool:
        """Whether a condition holds."""
        if name not in self._conditions:
            section = self._sections.get("Conditions") or {}
            if name not in section:
                raise ApiError(f"Template format error: Unresolved condition {name}")
            self._conditions[name] = holds(section[name], self)
        return self._conditions[name]

    def mapping(self, name: str) -> dict[str, Any]:
        """A mapping."""
        found: dict[str, Any] = (self._sections.get("Mappings") or {}).get(name, {})
        return found

    def dynamic(self, service: str, key: str) -> str:
        """Value of a dynamic reference."""
        if service != "ssm":
            raise Refused.of(f"The dynamic reference {{{{resolve:{service}:...}}}}")
        found = self._cloud.client("ssm").get_parameter(Name=key)
        return str(found["Parameter"]["Value"])

    def active(self) -> dict[str, dict[str, Any]]:
        """The resources whose condition holds, by logical id."""
        return {
            logical_id: definition
            for logical_id, definition in self._request.template.resources.items()
            if "Condition" not in definition or self.condition(definition["Condition"])
        }

    def properties(self, definition: dict[str, Any]) -> dict[str, Any]:
        """Resolve a definition's properties."""
        found: Any = resolve(definition.get("Properties") or {}, self)
        if not isinstance(found, dict):
            raise ApiError(f"Template format error: {definition['Type']}'s Properties is no map")
        if "Tags" in found or self._request.tags:
            return self._with_stack_tags(definition["Type"], found)
        return found

    def _with_stack_tags(self, kind: str, found: dict[str, Any]) -> dict[str, Any]:
        """Stack tags reach every resource that can have tags, its own ones first.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
        """
        if kind.startswith("Custom::") or "Tags" not in type_of(kind).properties:
            return found
        own = found.get("Tags")
        if isinstance(own, dict) or type_of(kind).tags_are_a_map:
            return {**found, "Tags": {**self._request.tags, **(own or {})}}
        keys = {tag["Key"] for tag in own or ()}
        more = [{"Key": k, "Value": v} for k, v in self._request.tags.items() if k not in keys]
        return {**found, "Tags": [*(own or ()), *more]}

    def check_rules(self) -> None:
        """Check the template's rules.

        Raises
        ------
        ApiError
            Naming the assertion that fails.
        """
        for rule in (self._sections.get("Rules") or {}).values():
            if "RuleCondition" in rule and not holds(rule["RuleCondition"], self):
                continue
            for each in rule.get("Assertions", ()):
                if not holds(each["Assert"], self):
                    raise ApiError(each.get("AssertDescription", "Template rule failed"))
