"""What StartBuild may have otherwise than its project."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from localcloud.engines.images.codebuild import projects
from localcloud.engines.images.codebuild.errors import unable

Shape = dict[str, Any]

#: Each override, and the place in a project that it stands in for.
PLACES = {
    "buildspecOverride": ("source", "buildspec"),
    "sourceTypeOverride": ("source", "type"),
    "sourceLocationOverride": ("source", "location"),
    "sourceVersion": ("sourceVersion",),
    "environmentTypeOverride": ("environment", "type"),
    "imageOverride": ("environment", "image"),
    "computeTypeOverride": ("environment", "computeType"),
    "privilegedModeOverride": ("environment", "privilegedMode"),
    "imagePullCredentialsTypeOverride": ("environment", "imagePullCredentialsType"),
    "artifactsOverride": ("artifacts",),
    "cacheOverride": ("cache",),
    "logsConfigOverride": ("logsConfig",),
    "serviceRoleOverride": ("serviceRole",),
    "encryptionKeyOverride": ("encryptionKey",),
    "timeoutInMinutesOverride": ("timeoutInMinutes",),
    "queuedTimeoutInMinutesOverride": ("queuedTimeoutInMinutes",),
}
#: Taken elsewhere.
OTHERS = ("projectName", "idempotencyToken", "environmentVariablesOverride")


def apply(project: Mapping[str, Any], given: Mapping[str, Any]) -> Shape:
    """Give the project as one build has it.

    Raises
    ------
    ApiError
    """
    found: Shape = copy.deepcopy(dict(project))
    for name, value in given.items():
        if name in PLACES:
            *outer, inner = PLACES[name]
            goal = found[outer[0]] if outer else found
            goal[inner] = value
        elif name not in OTHERS and value:
            raise unable(f"StartBuild's {name}", value, "Leave it out.")
    environment = found["environment"]
    variables = {each["name"]: each for each in environment.get("environmentVariables") or []}
    for each in given.get("environmentVariablesOverride") or []:
        variables[each["name"]] = {"type": "PLAINTEXT", **each}
    environment["environmentVariables"] = list(variables.values())
    projects.check(found)
    return found
