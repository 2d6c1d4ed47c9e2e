"""AWS::SSM::Parameter."""

from __future__ import annotations

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    pick,
    retag,
    tag_list,
    tag_map,
)

SETTINGS = ("AllowedPattern", "DataType", "Description", "Policies", "Tier", "Type", "Value")


class Parameter(ResourceType):
    """A parameter."""

    type = "AWS::SSM::Parameter"
    named_by = "Name"
    tags_are_a_map = True
    properties = {
        "Name": Property("ssm:GetParameter", replaces=True),
        "Type": Property("ssm:GetParameter"),
        "Value": Property("ssm:GetParameter"),
        "DataType": Property("ssm:GetParameter", default="text"),
        "AllowedPattern": Property("ssm:DescribeParameters"),
        "Description": Property("ssm:DescribeParameters"),
        "Tier": Property("ssm:DescribeParameters", default="Standard"),
        "Tags": Property("ssm:ListTagsForResource"),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Put the parameter; one of the same name is an error."""
        name = str(want.get("Name") or here.name(1011))
        here.client("ssm").put_parameter(Name=name, Overwrite=False, **pick(want, *SETTINGS))
        return name

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Put what changed."""
        client = here.client("ssm")
        if had:
            client.put_parameter(Name=made, Overwrite=True, **pick(want, *SETTINGS))
        words = {"ResourceType": "Parameter", "ResourceId": made}
        retag(
            had,
            want,
            lambda keys: client.remove_tags_from_resource(**words, TagKeys=keys),
            lambda tags: client.add_tags_to_resource(**words, Tags=tag_list(tags)),
        )

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the parameter."""
        client = here.client("ssm")
        try:
            client.delete_parameter(Name=made)
        except client.exceptions.ParameterNotFound:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get and describe the parameter."""
        client = here.client("ssm")
        found: Properties = dict(client.get_parameter(Name=made)["Parameter"])
        only = [{"Key": "Name", "Values": [made]}]
        for each in client.describe_parameters(ParameterFilters=only)["Parameters"]:
            found |= each
        tags = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=made)["TagList"]
        return pick(found, *self.properties) | {"Tags": tag_map(tags)}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """Type and value."""
        return pick(want, "Type", "Value")
