"""AWS::KMS::Key and AWS::KMS::Alias."""

from __future__ import annotations

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

NO_CIPHER = "what it should encrypt lies unencrypted"


class Key(ResourceType):
    """A key."""

    type = "AWS::KMS::Key"
    properties = {
        "Description": Property("kms:DescribeKey"),
        "EnableKeyRotation": Property("kms:GetKeyRotationStatus", stored=NO_CIPHER),
        "KeyPolicy": Property("kms:GetKeyPolicy", ordered=False, stored=NO_CIPHER),
        "KeySpec": Property("kms:DescribeKey", replaces=True),
        "KeyUsage": Property("kms:DescribeKey", replaces=True),
        # Ours alone: it says what ScheduleKeyDeletion is told.
        "PendingWindowInDays": Property("cloudformation:GetTemplate"),
        "Tags": Property("kms:ListResourceTags", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the key."""
        words = pick(want, "Description", "KeySpec", "KeyUsage")
        if "KeyPolicy" in want:
            words["Policy"] = document(want["KeyPolicy"])
        return str(here.client("kms").create_key(**words)["KeyMetadata"]["KeyId"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Set what changed."""
        client = here.client("kms")
        if had and changed(had, want, "Description"):
            client.update_key_description(KeyId=made, Description=want.get("Description", ""))
        if had and changed(had, want, "KeyPolicy") and "KeyPolicy" in want:
            text = document(want["KeyPolicy"])
            client.put_key_policy(KeyId=made, PolicyName="default", Policy=text)
        if changed(had, want, "EnableKeyRotation"):
            on = str(want.get("EnableKeyRotation", "false")).lower() == "true"
            (client.enable_key_rotation if on else client.disable_key_rotation)(KeyId=made)
        retag(
            had,
            want,
            lambda keys: client.untag_resource(KeyId=made, TagKeys=keys),
            lambda tags: client.tag_resource(KeyId=made, Tags=tag_list(tags, "TagKey", "TagValue")),
        )

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Have the key deleted in a while, as KMS does."""
        days = int(had.get("PendingWindowInDays", 30))
        here.client("kms").schedule_key_deletion(KeyId=made, PendingWindowInDays=days)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the key."""
        client = here.client("kms")
        got = client.describe_key(KeyId=made)["KeyMetadata"]
        found = pick(got, "Description", "KeySpec", "KeyUsage") | pick(want, "PendingWindowInDays")
        tags = {
            each["TagKey"]: each["TagValue"]
            for each in client.list_resource_tags(KeyId=made)["Tags"]
        }
        return found | {
            "EnableKeyRotation": client.get_key_rotation_status(KeyId=made)["KeyRotationEnabled"],
            "KeyPolicy": client.get_key_policy(KeyId=made, PolicyName="default")["Policy"],
            "Tags": tag_list(tags),
        }

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """ARN and id."""
        return {"Arn": here.arn("kms", f"key/{made}"), "KeyId": made}


class Alias(ResourceType):
    """A key's name."""

    type = "AWS::KMS::Alias"
    named_by = "AliasName"
    properties = {
        "AliasName": Property("kms:ListAliases", replaces=True),
        "TargetKeyId": Property("kms:ListAliases"),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the alias; one of the same name is an error."""
        key = _key_id(want["TargetKeyId"])
        here.client("kms").create_alias(AliasName=want["AliasName"], TargetKeyId=key)
        return str(want["AliasName"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Point it to another key."""
        if had and changed(had, want, "TargetKeyId"):
            key = _key_id(want["TargetKeyId"])
            here.client("kms").update_alias(AliasName=made, TargetKeyId=key)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the alias."""
        client = here.client("kms")
        try:
            client.delete_alias(AliasName=made)
        except client.exceptions.NotFoundException:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Find the alias among those of its key."""
        key = _key_id(want["TargetKeyId"])
        found = here.client("kms").list_aliases(KeyId=key)["Aliases"]
        names = [each["AliasName"] for each in found if each.get("TargetKeyId") == key]
        kept = {"AliasName": made, "TargetKeyId": want["TargetKeyId"]}
        return kept if made in names else {}


def _key_id(arn_or_id: str) -> str:
    return arn_or_id.rsplit("/", 1)[-1]
