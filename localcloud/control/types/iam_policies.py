"""AWS::IAM::Policy and AWS::IAM::ManagedPolicy."""

from __future__ import annotations

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    changed,
    document,
    pick,
)
from localcloud.control.types.iam import NO_RIGHTS


class Policy(ResourceType):
    """An inline policy of some roles."""

    type = "AWS::IAM::Policy"
    properties = {
        "PolicyDocument": Property("iam:GetRolePolicy", ordered=False, stored=NO_RIGHTS),
        "PolicyName": Property("iam:GetRolePolicy"),
        "Roles": Property("iam:GetRolePolicy", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Name it; `settle` puts it on its roles."""
        return here.name(128)

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Put it on its roles, and take it from those that left."""
        client, text = here.client("iam"), document(want["PolicyDocument"])
        places = {(role, want["PolicyName"]) for role in want.get("Roles", ())}
        for role, name in sorted(places):
            client.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=text)
        before = {(role, had["PolicyName"]) for role in had.get("Roles", ())}
        for role, name in sorted(before - places):
            client.delete_role_policy(RoleName=role, PolicyName=name)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Take it from its roles."""
        client = here.client("iam")
        for role in had.get("Roles", ()):
            try:
                client.delete_role_policy(RoleName=role, PolicyName=had["PolicyName"])
            except client.exceptions.NoSuchEntityException:
                continue

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get it from each role; they must all have the same."""
        client = here.client("iam")
        found: Properties = {"Roles": []}
        for role in want.get("Roles", ()):
            got = client.get_role_policy(RoleName=role, PolicyName=want["PolicyName"])
            if found.get("PolicyDocument", got["PolicyDocument"]) == got["PolicyDocument"]:
                found |= pick(got, "PolicyDocument", "PolicyName")
                found["Roles"].append(role)
        return found


class ManagedPolicy(ResourceType):
    """A policy of its own; `Ref` gives its ARN."""

    type = "AWS::IAM::ManagedPolicy"
    named_by = "ManagedPolicyName"
    properties = {
        "Description": Property("iam:GetPolicy", replaces=True),
        "ManagedPolicyName": Property("iam:GetPolicy", replaces=True),
        "Path": Property("iam:GetPolicy", replaces=True),
        "PolicyDocument": Property("iam:GetPolicyVersion", ordered=False, stored=NO_RIGHTS),
        "Roles": Property("iam:ListEntitiesForPolicy", ordered=False, stored=NO_RIGHTS),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the policy; one of the same name is an error."""
        name = want.get("ManagedPolicyName") or here.name(128)
        words = {k: v for k, v in pick(want, "Description", "Path").items() if v}
        got = here.client("iam").create_policy(
            PolicyName=name, PolicyDocument=document(want["PolicyDocument"]), **words
        )
        return str(got["Policy"]["Arn"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Make a changed document the default version, and set who has it."""
        client = here.client("iam")
        if had and changed(had, want, "PolicyDocument"):
            old = client.get_policy(PolicyArn=made)["Policy"]["DefaultVersionId"]
            text = document(want["PolicyDocument"])
            client.create_policy_version(PolicyArn=made, PolicyDocument=text, SetAsDefault=True)
            client.delete_policy_version(PolicyArn=made, VersionId=old)
        before, after = set(had.get("Roles", ())), set(want.get("Roles", ()))
        for role in sorted(after - before):
            client.attach_role_policy(RoleName=role, PolicyArn=made)
        for role in sorted(before - after):
            client.detach_role_policy(RoleName=role, PolicyArn=made)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Take it from its roles, then delete it."""
        client = here.client("iam")
        try:
            for role in had.get("Roles", ()):
                client.detach_role_policy(RoleName=role, PolicyArn=made)
            client.delete_policy(PolicyArn=made)
        except client.exceptions.NoSuchEntityException:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the policy, its default version and who has it."""
        client = here.client("iam")
        got = client.get_policy(PolicyArn=made)["Policy"]
        version = client.get_policy_version(PolicyArn=made, VersionId=got["DefaultVersionId"])
        users = client.list_entities_for_policy(PolicyArn=made)["PolicyRoles"]
        return {
            "ManagedPolicyName": got["PolicyName"],
            "PolicyDocument": version["PolicyVersion"]["Document"],
            "Roles": [each["RoleName"] for each in users],
            "Description": got.get("Description", ""),
            "Path": got["Path"],
        }

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The ARN."""
        return {"PolicyArn": made}
