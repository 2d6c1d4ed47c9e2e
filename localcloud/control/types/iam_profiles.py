"""AWS::IAM::InstanceProfile."""

from __future__ import annotations

from botocore.exceptions import ClientError

from localcloud.control.types.base import Here, Properties, Property, ResourceType, missing, pick


class InstanceProfile(ResourceType):
    """What hands a role to instances."""

    type = "AWS::IAM::InstanceProfile"
    named_by = "InstanceProfileName"
    properties = {
        "InstanceProfileName": Property("iam:GetInstanceProfile", replaces=True),
        "Path": Property("iam:GetInstanceProfile", replaces=True),
        "Roles": Property("iam:GetInstanceProfile"),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the profile; one of the same name is an error."""
        name = str(want.get("InstanceProfileName") or here.name(128))
        here.client("iam").create_instance_profile(InstanceProfileName=name, **pick(want, "Path"))
        return name

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Change its role: it has one at most."""
        client = here.client("iam")
        before, after = had.get("Roles", []), want.get("Roles", [])
        for role in (r for r in before if r not in after):
            client.remove_role_from_instance_profile(InstanceProfileName=made, RoleName=role)
        for role in (r for r in after if r not in before):
            client.add_role_to_instance_profile(InstanceProfileName=made, RoleName=role)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Take its role off, then delete it."""
        client = here.client("iam")
        try:
            got = client.get_instance_profile(InstanceProfileName=made)["InstanceProfile"]
        except ClientError as fault:
            if missing(fault):
                return
            raise
        for role in got["Roles"]:
            name = role["RoleName"]
            client.remove_role_from_instance_profile(InstanceProfileName=made, RoleName=name)
        client.delete_instance_profile(InstanceProfileName=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the profile."""
        got = here.client("iam").get_instance_profile(InstanceProfileName=made)["InstanceProfile"]
        roles = [role["RoleName"] for role in got["Roles"]]
        return pick(got, "InstanceProfileName", "Path") | {"Roles": roles}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The ARN."""
        got = here.client("iam").get_instance_profile(InstanceProfileName=made)["InstanceProfile"]
        return {"Arn": got["Arn"]}
