"""AWS::Athena::WorkGroup and AWS::Athena::NamedQuery."""

from __future__ import annotations

from typing import Any

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    pick,
    retag,
    tag_list,
)


class WorkGroup(ResourceType):
    """A workgroup."""

    type = "AWS::Athena::WorkGroup"
    named_by = "Name"
    properties = {
        "Name": Property("athena:GetWorkGroup", replaces=True),
        "Description": Property("athena:GetWorkGroup"),
        "State": Property("athena:GetWorkGroup", default="ENABLED"),
        "WorkGroupConfiguration": Property(
            "athena:GetWorkGroup",
            default={
                "EnforceWorkGroupConfiguration": True,
                "EngineVersion": {"SelectedEngineVersion": "AUTO"},
                "PublishCloudWatchMetricsEnabled": True,
                "RequesterPaysEnabled": False,
            },
        ),
        # Ours alone: it says what DeleteWorkGroup is told, and no service has it.
        "RecursiveDeleteOption": Property("cloudformation:GetTemplate"),
        "Tags": Property("athena:ListTagsForResource", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the workgroup; one of the same name is an error."""
        here.client("athena").create_work_group(
            Name=want["Name"],
            Configuration=_typed(want.get("WorkGroupConfiguration", {})),
            **pick(want, "Description"),
        )
        return str(want["Name"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Update the workgroup."""
        client = here.client("athena")
        words = pick(want, "Description", "State")
        if had:
            words["ConfigurationUpdates"] = _updates(
                had.get("WorkGroupConfiguration", {}), want.get("WorkGroupConfiguration", {})
            )
            words.setdefault("Description", "")
            words.setdefault("State", "ENABLED")
        if had or "State" in want:
            client.update_work_group(WorkGroup=made, **words)
        arn = here.arn("athena", f"workgroup/{made}")
        retag(
            had,
            want,
            lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
            lambda tags: client.tag_resource(ResourceARN=arn, Tags=tag_list(tags)),
        )

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the workgroup."""
        recursive = str(had.get("RecursiveDeleteOption", "false")).lower() == "true"
        here.client("athena").delete_work_group(WorkGroup=made, RecursiveDeleteOption=recursive)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the workgroup."""
        client = here.client("athena")
        got = client.get_work_group(WorkGroup=made)["WorkGroup"]
        arn = here.arn("athena", f"workgroup/{made}")
        tags = client.list_tags_for_resource(ResourceARN=arn)["Tags"]
        found = pick(got, "Name", "Description", "State") | pick(want, "RecursiveDeleteOption")
        return found | {"WorkGroupConfiguration": got["Configuration"], "Tags": tags}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The version of the engine."""
        got = here.client("athena").get_work_group(WorkGroup=made)["WorkGroup"]
        engine = got["Configuration"]["EngineVersion"]
        selected = engine["SelectedEngineVersion"]
        effective = engine.get("EffectiveEngineVersion", selected)
        return {"WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion": effective}


def _typed(configuration: Properties) -> Properties:
    """Numbers and booleans as the API's types, which templates may give as text."""
    found = dict(configuration)
    if "BytesScannedCutoffPerQuery" in found:
        found["BytesScannedCutoffPerQuery"] = int(found["BytesScannedCutoffPerQuery"])
    for name in ("EnforceWorkGroupConfiguration", "PublishCloudWatchMetricsEnabled"):
        if name in found:
            found[name] = str(found[name]).lower() == "true"
    return found


def _updates(had: Properties, want: Properties) -> Properties:
    """ConfigurationUpdates of UpdateWorkGroup, which names some things otherwise."""
    found: dict[str, Any] = _typed(want)
    if "BytesScannedCutoffPerQuery" in had and "BytesScannedCutoffPerQuery" not in want:
        found["RemoveBytesScannedCutoffPerQuery"] = True
    for name in ("EnforceWorkGroupConfiguration", "PublishCloudWatchMetricsEnabled"):
        if name in had and name not in want:
            found[name] = True
    old, new = had.get("ResultConfiguration", {}), found.pop("ResultConfiguration", {})
    updates = dict(new)
    for name in ("OutputLocation", "EncryptionConfiguration", "ExpectedBucketOwner"):
        if name in old and name not in new:
            updates[f"Remove{name}"] = True
    if updates:
        found["ResultConfigurationUpdates"] = updates
    return found


class NamedQuery(ResourceType):
    """A query kept by name; every change makes a new one, as on AWS."""

    type = "AWS::Athena::NamedQuery"
    properties = {
        name: Property("athena:GetNamedQuery", replaces=True)
        for name in ("Database", "Description", "Name", "QueryString", "WorkGroup")
    }

    def create(self, here: Here, want: Properties) -> str:
        """Keep the query."""
        words = pick(want, "Database", "Description", "QueryString", "WorkGroup")
        name = want.get("Name") or here.name(128)
        return str(here.client("athena").create_named_query(Name=name, **words)["NamedQueryId"])

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Drop the query."""
        here.client("athena").delete_named_query(NamedQueryId=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the query."""
        got = here.client("athena").get_named_query(NamedQueryId=made)
        return pick(got["NamedQuery"], *self.properties)

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The id."""
        return {"NamedQueryId": made}
