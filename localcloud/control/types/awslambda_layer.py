"""AWS::Lambda::LayerVersion."""

from __future__ import annotations

from localcloud.control.types import awslambda_code as code
from localcloud.control.types.base import Here, Properties, Property, ResourceType, pick


class LayerVersion(ResourceType):
    """A version of a layer; every change makes a new one. `Ref` gives its ARN."""

    type = "AWS::Lambda::LayerVersion"
    properties = {
        name: Property("lambda:GetLayerVersion", replaces=True, ordered=False)
        for name in (
            "CompatibleArchitectures",
            "CompatibleRuntimes",
            "Content",
            "Description",
            "LayerName",
            "LicenseInfo",
        )
    }

    def create(self, here: Here, want: Properties) -> str:
        """Publish the version."""
        words = pick(
            want, "CompatibleArchitectures", "CompatibleRuntimes", "Description", "LicenseInfo"
        )
        got = here.client("lambda").publish_layer_version(
            LayerName=want.get("LayerName") or here.name(140), Content=want["Content"], **words
        )
        return str(got["LayerVersionArn"])

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the version; functions that have it keep it."""
        name, version = made.rsplit(":", 2)[1:]
        here.client("lambda").delete_layer_version(LayerName=name, VersionNumber=int(version))

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the version, and compare its content's hash."""
        name, version = made.rsplit(":", 2)[1:]
        client = here.client("lambda")
        got = client.get_layer_version(LayerName=name, VersionNumber=int(version))
        found = pick(got, *self.properties) | {"LayerName": name}
        del found["Content"]
        if code.sha256(here, want["Content"]) == got["Content"]["CodeSha256"]:
            found["Content"] = pick(want["Content"], *code.KEYS)
        return found

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The ARN."""
        return {"LayerVersionArn": made}
