"""AWS::Logs::LogGroup."""

from __future__ import annotations

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    changed,
    retag,
    tag_list,
)


class LogGroup(ResourceType):
    """A log group."""

    type = "AWS::Logs::LogGroup"
    named_by = "LogGroupName"
    properties = {
        "LogGroupName": Property("logs:DescribeLogGroups", replaces=True),
        "RetentionInDays": Property(
            "logs:DescribeLogGroups", stored="events stay until the cloud stops"
        ),
        "Tags": Property("logs:ListTagsForResource", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the group; one of the same name is an error."""
        name = str(want.get("LogGroupName") or here.name(512))
        here.client("logs").create_log_group(logGroupName=name)
        return name

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Set retention and tags."""
        client = here.client("logs")
        if changed(had, want, "RetentionInDays"):
            if "RetentionInDays" in want:
                days = int(want["RetentionInDays"])
                client.put_retention_policy(logGroupName=made, retentionInDays=days)
            else:
                client.delete_retention_policy(logGroupName=made)
        arn = here.arn("logs", f"log-group:{made}")
        retag(
            had,
            want,
            lambda keys: client.untag_resource(resourceArn=arn, tagKeys=keys),
            lambda tags: client.tag_resource(resourceArn=arn, tags=tags),
        )

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the group."""
        client = here.client("logs")
        try:
            client.delete_log_group(logGroupName=made)
        except client.exceptions.ResourceNotFoundException:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the group."""
        client = here.client("logs")
        groups = client.describe_log_groups(logGroupNamePrefix=made)["logGroups"]
        found: Properties = {}
        for each in groups:
            if each["logGroupName"] == made:
                found["LogGroupName"] = made
                if "retentionInDays" in each:
                    found["RetentionInDays"] = each["retentionInDays"]
        arn = here.arn("logs", f"log-group:{made}")
        tags = client.list_tags_for_resource(resourceArn=arn)["tags"]
        return found | {"Tags": tag_list(tags)}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The ARN, which ends with `:*`."""
        return {"Arn": here.arn("logs", f"log-group:{made}:*")}
