"""All projects and builds of one account and region."""

from __future__ import annotations

import threading
from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.engines.images.codebuild import overrides, projects
from localcloud.engines.images.codebuild.builds import Build
from localcloud.engines.images.codebuild.errors import ApiError, invalid, unknown
from localcloud.engines.images.codebuild.life import Life

Shape = dict[str, Any]

#: Builds that run at a time; the others are QUEUED, as on AWS beyond an account's limit.
AT_A_TIME = 2
STOP_S = 20


class Service:
    """Projects and builds.

    Parameters
    ----------
    cloud : Cloud
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.projects: dict[str, Shape] = {}
        self.builds: dict[str, Build] = {}
        self._tokens: dict[tuple[str, str], tuple[Shape, Build]] = {}
        self._numbers: dict[str, int] = {}
        self._places = threading.Semaphore(AT_A_TIME)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def arn(self, rest: str) -> str:
        """An ARN of CodeBuild's."""
        return f"arn:aws:codebuild:{self.cloud.region}:{self.cloud.account}:{rest}"

    def create(self, given: Shape) -> Shape:
        """Keep a project.

        Raises
        ------
        ApiError
        """
        name = given["name"]
        if name in self.projects:
            raise ApiError(
                "ResourceAlreadyExistsException",
                f"Project already exists: {self.arn(f'project/{name}')}",
            )
        now = self.cloud.clock.now()
        kms = f"arn:aws:kms:{self.cloud.region}:{self.cloud.account}:alias/aws/s3"
        own = {"arn": self.arn(f"project/{name}"), "created": now, "lastModified": now}
        own |= {"badge": {"badgeEnabled": False}, "encryptionKey": kms}
        project = projects.DEFAULTS | own | given
        self._check(project)
        self.projects[name] = project
        return project

    def update(self, given: Shape) -> Shape:
        """Change what is given of a project.

        Raises
        ------
        ApiError
        """
        project = self.project(given["name"]) | given | {"lastModified": self.cloud.clock.now()}
        self._check(project)
        self.projects[given["name"]] = project
        return project

    def project(self, name: str) -> Shape:
        """A project, by its name or ARN.

        Raises
        ------
        ApiError
        """
        if (found := self.find(name)) is None:
            arn = name if name.startswith("arn:") else self.arn(f"project/{name}")
            raise unknown(f"Project cannot be found: {arn}")
        return found

    def find(self, name: str) -> Shape | None:
        """A project that may not be there."""
        return self.projects.get(name.removeprefix(self.arn("project/")))

    def start(self, given: Shape) -> Build:
        """StartBuild: the build goes its way from here.

        Raises
        ------
        ApiError
        """
        project = overrides.apply(self.project(given["projectName"]), given)
        key = (project["name"], given.get("idempotencyToken", ""))
        with self._lock:
            if key[1] and key in self._tokens:
                return self._again(given, *self._tokens[key])
            number = self._numbers[key[0]] = self._numbers.get(key[0], 0) + 1
            build = Build(project, number, self.arn)
            life = Life(self.cloud, build, self._places)
            self.builds[build.id] = build
            if key[1]:
                self._tokens[key] = (given, build)
            thread = threading.Thread(target=life.lead, name=build.id, daemon=True)
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()
        return build

    def _again(self, given: Shape, before: Shape, build: Build) -> Build:
        if given != before:
            raise invalid("The idempotency token was used with other parameters.")
        return build

    def build(self, id_: str) -> Build:
        """A build.

        Raises
        ------
        ApiError
        """
        if id_ not in self.builds:
            raise unknown(f"Build {id_} does not exist")
        return self.builds[id_]

    def stop(self) -> None:
        """Stop all builds, and wait until none is left."""
        for build in list(self.builds.values()):
            build.stopped.set()
        for thread in self._threads:
            thread.join(STOP_S)

    def _check(self, project: Shape) -> None:
        projects.check(project)
        role = project["serviceRole"].rpartition("/")[2]
        try:
            self.cloud.client("iam").get_role(RoleName=role)
        except ClientError as fault:
            raise invalid(
                "CodeBuild is not authorized to perform: sts:AssumeRole on service role "
                f"{project['serviceRole']}: {fault}"
            ) from fault
