"""AWS::IAM::Role, AWS::IAM::Policy and AWS::IAM::ManagedPolicy."""

from __future__ import annotations

from typing import Any

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    changed,
    document,
    gone,
    pick,
    tag_list,
    tag_map,
)

NO_RIGHTS = "rights are not enforced"


class Role(ResourceType):
    """A role."""

    type = "AWS::IAM::Role"
    named_by = "RoleName"
    properties = {
        "AssumeRolePolicyDocument": Property("iam:GetRole", ordered=False, stored=NO_RIGHTS),
        "Description": Property("iam:GetRole"),
        "ManagedPolicyArns": Property(
            "iam:ListAttachedRolePolicies", ordered=False, stored=NO_RIGHTS
        ),
        "MaxSessionDuration": Property("iam:GetRole", stored=NO_RIGHTS, default=3600),
        "Path": Property("iam:GetRole", replaces=True),
        "PermissionsBoundary": Property("iam:GetRole", stored=NO_RIGHTS),
        "Policies": Property("iam:GetRolePolicy", ordered=False, stored=NO_RIGHTS),
        "RoleName": Property("iam:GetRole", replaces=True),
        "Tags": Property("iam:ListRoleTags", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the role; one of the same name is an error."""
        name = str(want.get("RoleName") or here.name(64))
        words = pick(want, "Description", "Path", "PermissionsBoundary")
        if "MaxSessionDuration" in want:
            words["MaxSessionDuration"] = int(want["MaxSessionDuration"])
        trust = document(want["AssumeRolePolicyDocument"])
        here.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust, **words)
        return name

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Set what changed."""
        client = here.client("iam")
        if had:
            self._settings(client, made, had, want)
        old, new = _by_name(had), _by_name(want)
        for name in new:
            client.put_role_policy(RoleName=made, PolicyName=name, PolicyDocument=new[name])
        for name in old.keys() - new.keys():
            client.delete_role_policy(RoleName=made, PolicyName=name)
        before, after = _arns(had), _arns(want)
        for arn in sorted(after - before):
            client.attach_role_policy(RoleName=made, PolicyArn=arn)
        for arn in sorted(before - after):
            client.detach_role_policy(RoleName=made, PolicyArn=arn)
        lost = gone(had.get("Tags"), want.get("Tags"))
        if lost:
            client.untag_role(RoleName=made, TagKeys=lost)
        if want.get("Tags"):
            client.tag_role(RoleName=made, Tags=tag_list(tag_map(want["Tags"])))

    def _settings(self, client: Any, made: str, had: Properties, want: Properties) -> None:
        if changed(had, want, "AssumeRolePolicyDocument"):
            trust = document(want["AssumeRolePolicyDocument"])
            client.update_assume_role_policy(RoleName=made, PolicyDocument=trust)
        if changed(had, want, "Description", "MaxSessionDuration"):
            client.update_role(
                RoleName=made,
                Description=want.get("Description", ""),
                MaxSessionDuration=int(want.get("MaxSessionDuration", 3600)),
            )
        if changed(had, want, "PermissionsBoundary"):
            if "PermissionsBoundary" in want:
                arn = want["PermissionsBoundary"]
                client.put_role_permissions_boundary(RoleName=made, PermissionsBoundary=arn)
            else:
                client.delete_role_permissions_boundary(RoleName=made)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Take its own policies off, then delete it."""
        client = here.client("iam")
        try:
            for name in _by_name(had):
                client.delete_role_policy(RoleName=made, PolicyName=name)
            for arn in sorted(_arns(had)):
                client.detach_role_policy(RoleName=made, PolicyArn=arn)
        except client.exceptions.NoSuchEntityException:
            pass  # a create that failed half-way had not put them all on
        try:
            client.delete_role(RoleName=made)
        except client.exceptions.NoSuchEntityException:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the role, and the policies that are its own (others may hang on it too)."""
        client = here.client("iam")
        got = client.get_role(RoleName=made)["Role"]
        found = pick(
            got, "AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "Path", "RoleName"
        )
        if "PermissionsBoundary" in got:
            found["PermissionsBoundary"] = got["PermissionsBoundary"]["PermissionsBoundaryArn"]
        if want.get("Policies"):
            there = set(client.list_role_policies(RoleName=made)["PolicyNames"])
            found["Policies"] = [
                pick(
                    client.get_role_policy(RoleName=made, PolicyName=name),
                    "PolicyName",
                    "PolicyDocument",
                )
                for name in _by_name(want)
                if name in there
            ]
        if want.get("ManagedPolicyArns"):
            attached = client.list_attached_role_policies(RoleName=made)["AttachedPolicies"]
            arns = {each["PolicyArn"] for each in attached}
            found["ManagedPolicyArns"] = [a for a in want["ManagedPolicyArns"] if a in arns]
        return found | {"Tags": client.list_role_tags(RoleName=made)["Tags"]}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """ARN and id."""
        role = here.client("iam").get_role(RoleName=made)["Role"]
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}


def _by_name(properties: Properties) -> dict[str, str]:
    return {
        each["PolicyName"]: document(each["PolicyDocument"])
        for each in properties.get("Policies") or ()
    }


def _arns(properties: Properties) -> set[str]:
    return set(properties.get("ManagedPolicyArns") or ())


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
