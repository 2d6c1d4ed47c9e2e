"""AWS::CDK::Metadata: what the cdk counts its constructs by; it makes nothing anywhere."""

from __future__ import annotations

from localcloud.control.types.base import Here, Properties, Property, ResourceType


class Metadata(ResourceType):
    """A note in the template."""

    type = "AWS::CDK::Metadata"
    properties = {"Analytics": Property("cloudformation:GetTemplate")}

    def create(self, here: Here, want: Properties) -> str:
        """Name it."""
        return here.name()

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Nothing is there."""

    def read(self, here: Here, made: str, want: Properties) -> None:
        """The template is all that holds it."""
