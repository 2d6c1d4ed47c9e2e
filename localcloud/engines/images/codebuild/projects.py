"""Projects, as they were given; what a build here couldn't honour is refused by name.

Limits: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localcloud.engines.images.codebuild.errors import invalid, unable

Shape = dict[str, Any]

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{1,149}$")
KINDS = ("LINUX_CONTAINER", "ARM_CONTAINER")
TIMEOUT_MINUTES = range(5, 2161)
QUEUED_MINUTES = range(5, 481)
DEFAULTS: Shape = {
    "timeoutInMinutes": 60,
    "queuedTimeoutInMinutes": 480,
    "cache": {"type": "NO_CACHE"},
    "tags": [],
}
NONE_OF = (
    "secondarySources", "secondarySourceVersions", "secondaryArtifacts", "vpcConfig",
    "fileSystemLocations", "buildBatchConfig", "concurrentBuildLimit", "autoRetryLimit",
    "badgeEnabled",
)  # fmt: skip
OF_SOURCE = ("type", "location", "buildspec", "insecureSsl")
OF_ENVIRONMENT = (
    "type", "image", "computeType", "environmentVariables", "privilegedMode",
    "imagePullCredentialsType",
)  # fmt: skip


def check(project: Mapping[str, Any]) -> None:
    """Refuse a project that AWS wouldn't have, or whose builds couldn't be run here.

    Raises
    ------
    ApiError
    """
    if not NAME.match(project["name"]):
        raise invalid(
            f"Invalid project name {project['name']!r}. Names have 2 to 150 letters, digits, "
            "_ and -."
        )
    for name in NONE_OF:
        if project.get(name):
            raise unable(f"a project's {name}", project[name], "Leave it out.")
    if project["artifacts"]["type"] != "NO_ARTIFACTS":
        raise unable("artifacts", project["artifacts"], "Say NO_ARTIFACTS.")
    check_source(project["source"])
    _check_environment(project["environment"])
    _check_minutes("timeoutInMinutes", project["timeoutInMinutes"], TIMEOUT_MINUTES)
    _check_minutes("queuedTimeoutInMinutes", project["queuedTimeoutInMinutes"], QUEUED_MINUTES)
    if (kind := (project.get("cache") or {}).get("type", "NO_CACHE")) != "NO_CACHE":
        raise unable("cache", kind, "Say NO_CACHE.")
    _check_logs(project.get("logsConfig") or {})


def check_source(source: Mapping[str, Any]) -> None:
    """Refuse a source other than a zip in S3, or none."""
    _only("source", source, OF_SOURCE)
    kind, place = source["type"], source.get("location", "")
    if kind == "NO_SOURCE":
        if not source.get("buildspec"):
            raise invalid("Invalid project source: a buildspec is required without a source")
    elif kind == "S3":
        bucket, _, key = place.partition("/")
        if not bucket or not key:
            raise invalid("Invalid project source: location must be a valid S3 source: BUCKET/KEY")
        if key.endswith("/"):
            raise unable("a source's location", place, "Give a zip file's key.")
    else:
        raise unable("a source's type", kind, "Say S3, or NO_SOURCE.")
    if source.get("buildspec", "").startswith("arn:"):
        raise unable("a buildspec", source["buildspec"], "Write it inline, or into the source.")


def check_variables(variables: list[Shape]) -> None:
    """Refuse variables that stand for something kept elsewhere."""
    for each in variables:
        if each.get("type", "PLAINTEXT") != "PLAINTEXT":
            raise unable(f"the variable {each['name']}", each["type"], "Give it as PLAINTEXT.")


def _check_environment(environment: Mapping[str, Any]) -> None:
    _only("environment", environment, OF_ENVIRONMENT)
    if environment["type"] not in KINDS:
        raise unable("an environment's type", environment["type"], f"Say {' or '.join(KINDS)}.")
    check_variables(environment.get("environmentVariables") or [])


def _check_minutes(name: str, minutes: int, among: range) -> None:
    if minutes not in among:
        raise invalid(f"Invalid {name}: must be between {among[0]} and {among[-1]} minutes")


def _check_logs(logs: Mapping[str, Any]) -> None:
    if (logs.get("s3Logs") or {}).get("status", "DISABLED") != "DISABLED":
        raise unable("logsConfig", "s3Logs", "Keep logs in CloudWatch Logs.")


def _only(where: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name, value in given.items():
        if name not in known and value not in (None, "", [], {}, False):
            raise unable(f"{where}'s {name}", value, "Leave it out.")
