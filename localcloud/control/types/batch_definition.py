"""AWS::Batch::JobDefinition."""

from __future__ import annotations

from typing import Any

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    lower_first,
    pick,
    tag_map,
)
from localcloud.control.types.shaped import shaped, upper_first

READ = "batch:DescribeJobDefinitions"
#: Their keys are not the API's words.
MAPS = ("Options", "Parameters", "Tags")


class JobDefinition(ResourceType):
    """What a job is; every change is a new revision, and the one before is taken back."""

    type = "AWS::Batch::JobDefinition"
    named_by = "JobDefinitionName"
    tags_are_a_map = True
    properties = {
        "ContainerProperties": Property(READ, ordered=False),
        "JobDefinitionName": Property(READ, replaces=True),
        "NodeProperties": Property(READ, ordered=False),
        "Parameters": Property(READ),
        "PlatformCapabilities": Property(READ, ordered=False),
        "PropagateTags": Property(READ),
        "RetryStrategy": Property(READ),
        "SchedulingPriority": Property(READ),
        "Tags": Property("batch:ListTagsForResource", ordered=False),
        "Timeout": Property(READ),
        "Type": Property(READ),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Register the first revision."""
        return self._register(here, str(want.get("JobDefinitionName") or here.name(128)), want)

    def update(self, here: Here, made: str, had: Properties, want: Properties) -> str:
        """Register another revision; the old one's ARN is deleted later, as on AWS."""
        return self._register(here, made.rpartition("/")[2].rpartition(":")[0], want)

    def _register(self, here: Here, name: str, want: Properties) -> str:
        client = here.client("batch")
        words: dict[str, Any] = lower_first(want, keep=MAPS)
        words |= {"jobDefinitionName": name, "tags": tag_map(want.get("Tags"))}
        words = shaped(client, "RegisterJobDefinition", words)
        return str(client.register_job_definition(**words)["jobDefinitionArn"])

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Deregister the revision; jobs that have begun go on."""
        client = here.client("batch")
        if client.describe_job_definitions(jobDefinitions=[made])["jobDefinitions"]:
            client.deregister_job_definition(jobDefinition=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the revision."""
        told = here.client("batch").describe_job_definitions(jobDefinitions=[made])
        maps = tuple(name[:1].lower() + name[1:] for name in MAPS)
        return pick(upper_first(told["jobDefinitions"][0], keep=maps), *self.properties)

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The ARN with its revision, which is also what `Ref` gives."""
        return {"JobDefinitionArn": made}
