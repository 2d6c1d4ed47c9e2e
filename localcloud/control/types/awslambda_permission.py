"""AWS::Lambda::Permission."""

from __future__ import annotations

import json

from localcloud.control.types.base import Here, Properties, Property, ResourceType, pick


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
