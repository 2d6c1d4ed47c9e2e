"""AWS::CodeBuild::Project."""

from __future__ import annotations

from typing import Any

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    lower_first,
    tag_list,
    tag_map,
)
from localcloud.control.types.shaped import shaped, upper_first

READ = "codebuild:BatchGetProjects"
HERE = "builds run on this machine"
#: The two ways to write one word.
SPEC = ("buildSpec", "buildspec")


class Project(ResourceType):
    """What a build does, and to what."""

    type = "AWS::CodeBuild::Project"
    named_by = "Name"
    properties = {
        "Artifacts": Property(READ),
        "Cache": Property(READ, default={"Type": "NO_CACHE"}),
        "Description": Property(READ),
        "EncryptionKey": Property(READ, stored="there are no artifacts to encrypt"),
        "Environment": Property(READ, ordered=False, stored=HERE),
        "LogsConfig": Property(READ),
        "Name": Property(READ, replaces=True),
        "QueuedTimeoutInMinutes": Property(READ, default=480),
        "ServiceRole": Property(READ, stored="builds may do all that the local cloud can"),
        "Source": Property(READ),
        "SourceVersion": Property(READ),
        "Tags": Property(READ, ordered=False),
        "TimeoutInMinutes": Property(READ, default=60),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the project; one of the same name is an error."""
        name = str(want.get("Name") or here.name(150))
        self._send(here, "CreateProject", _words(want, {}) | {"name": name})
        return name

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Update the project."""
        if had:
            self._send(here, "UpdateProject", _words(want, had) | {"name": made})

    def _send(self, here: Here, operation: str, words: Properties) -> None:
        client = here.client("codebuild")
        call = {"CreateProject": client.create_project, "UpdateProject": client.update_project}
        call[operation](**shaped(client, operation, words))

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the project."""
        here.client("codebuild").delete_project(name=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the project."""
        (got,) = here.client("codebuild").batch_get_projects(names=[made])["projects"]
        source = {SPEC[0] if key == SPEC[1] else key: each for key, each in got["source"].items()}
        found: Properties = upper_first(got | {"source": source})
        return found

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The ARN."""
        return {"Arn": here.arn("codebuild", f"project/{made}")}


def _words(want: Properties, had: Properties) -> Properties:
    found: Properties = lower_first(want)
    if SPEC[0] in found["source"]:
        found["source"][SPEC[1]] = found["source"].pop(SPEC[0])
    # UpdateProject leaves alone what it isn't told.
    resets: dict[str, Any] = {
        "Cache": {"type": "NO_CACHE"},
        "Description": "",
        "EncryptionKey": "alias/aws/s3",
        "LogsConfig": {},
        "QueuedTimeoutInMinutes": 480,
        "SourceVersion": "",
        "TimeoutInMinutes": 60,
    }
    for name, value in resets.items():
        if name in had and name not in want:
            found[name[:1].lower() + name[1:]] = value
    if "Tags" in want or "Tags" in had:
        found["tags"] = tag_list(tag_map(want.get("Tags")), "key", "value")
    return found
