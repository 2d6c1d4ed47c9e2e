"""One build of an image by CodeBuild: started, waited for, and told of by its log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Seconds until the first look at a build, after which each is twice as late, up to the most: on
#: a laptop a build takes a second, on AWS minutes.
_FIRST_S, _MOST_S = 0.25, 8.0
#: Of what CodeBuild says, so that the log's name is told too.
_SAID_CHARACTERS = 800


class ImageBuildError(RuntimeError):
    """An image isn't there, and its build is over."""


@dataclass(frozen=True)
class Wanted:
    """The image that a template wants.

    Parameters
    ----------
    project : str
        CodeBuild's project.
    repository, tag : str
        Where the image is to be.
    uri : str
        Both as Docker writes them.
    dockerfile : str
        Path of it in the project's source.
    """

    project: str
    repository: str
    tag: str
    uri: str
    dockerfile: str


@dataclass(frozen=True)
class Builder:
    """Builds images that aren't there.

    Parameters
    ----------
    codebuild, ecr : client
        boto3's.
    sleep : callable
        Waits so many seconds.
    now : callable
        Seconds on a clock that only goes forward.
    """

    codebuild: Any
    ecr: Any
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    def ensure(self, wanted: Wanted, token: str, limit_s: float) -> bool:
        """Have the image there, and say whether it had to be built.

        Parameters
        ----------
        wanted : Wanted
            The image.
        token : str
            Names this wish: asked twice, CodeBuild starts one build.
        limit_s : float
            Seconds until a build is stopped.

        Raises
        ------
        ImageBuildError
            Where the build failed or took too long, with its log's name.
        """
        if self.is_there(wanted):
            return False
        build = self._wait(self._start(wanted, token), wanted, limit_s)
        if build["buildStatus"] != "SUCCEEDED":
            raise ImageBuildError(
                f"While building image {wanted.uri}, found {_why(build)}. "
                f"Read {_log(build)}, correct {wanted.dockerfile} or its lock, and deploy again."
            )
        if not self.is_there(wanted):
            raise ImageBuildError(
                f"While looking for image {wanted.uri}, found that its build succeeded and "
                f"pushed none. Read {_log(build)}."
            )
        return True

    def is_there(self, wanted: Wanted) -> bool:
        """Whether the repository has the tag."""
        try:
            self.ecr.describe_images(
                repositoryName=wanted.repository, imageIds=[{"imageTag": wanted.tag}]
            )
        except self.ecr.exceptions.ImageNotFoundException:
            return False
        return True

    def _start(self, wanted: Wanted, token: str) -> str:
        given = {"IMAGE": wanted.uri, "DOCKERFILE": wanted.dockerfile}
        told = self.codebuild.start_build(
            projectName=wanted.project,
            idempotencyToken=token,
            environmentVariablesOverride=[
                {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in given.items()
            ],
        )
        return str(told["build"]["id"])

    def _wait(self, build_id: str, wanted: Wanted, limit_s: float) -> dict[str, Any]:
        until, pause = self.now() + limit_s, _FIRST_S
        while True:
            (build,) = self.codebuild.batch_get_builds(ids=[build_id])["builds"]
            if build["buildStatus"] != "IN_PROGRESS":
                return dict(build)
            if self.now() >= until:
                self.codebuild.stop_build(id=build_id)
                raise ImageBuildError(
                    f"While building image {wanted.uri}, found it in phase "
                    f"{build.get('currentPhase', 'unknown')} after {limit_s:,.0f} s, and stopped "
                    f"it. Read {_log(build)}, and deploy again."
                )
            self.sleep(pause)
            pause = min(2 * pause, _MOST_S)


def _why(build: dict[str, Any]) -> str:
    """The first phase that failed, and what CodeBuild says of it."""
    for phase in build.get("phases", ()):
        if phase.get("phaseStatus", "SUCCEEDED") != "SUCCEEDED":
            said = "; ".join(c["message"] for c in phase.get("contexts", ()) if c.get("message"))
            said = said[:_SAID_CHARACTERS] or "no reason given"
            return f"phase {phase['phaseType']} {phase['phaseStatus']}: {said}"
    return f"the build {build['buildStatus']} and no phase that says why"


def _log(build: dict[str, Any]) -> str:
    logs = build.get("logs", {})
    if not logs.get("streamName"):
        return f"CodeBuild's page of build {build['id']}, which came to no log"
    return f"log group {logs['groupName']}, stream {logs['streamName']}"
