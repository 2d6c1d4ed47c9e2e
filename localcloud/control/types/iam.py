"""AWS::IAM::Role; see also `iam_policies`."""

from __future__ import annotations

from typing import Any

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    changed,
    document,
    pick,
    retag,
    tag_list,
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
        retag(
            had,
            want,
            lambda keys: client.untag_role(RoleName=made, TagKeys=keys),
            lambda tags: client.tag_role(RoleName=made, Tags=tag_list(tags)),
        )

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
