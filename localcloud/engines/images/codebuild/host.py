"""The folder and the environment in which a build's commands run.

A build finds bash, what is in ``/usr/bin`` and ``/bin``, and the local cloud's own `docker` and
`aws`. Of the host's environment it has what reaches a package index, since a build's network
is the host's. It has docker only in privileged mode, as on AWS:
https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import localcloud
from localcloud.cloud import CREDENTIALS, Cloud
from localcloud.engines.images import layers, podman
from localcloud.engines.images.codebuild import command
from localcloud.engines.images.codebuild.builds import Build
from localcloud.engines.images.codebuild.buildspec import Buildspec

#: Runs one command where the one before it left off: version 0.2 of buildspecs has all of them
#: in one shell, so that what `cd` and `export` did stays.
STEP = """
. "$1/exported"; cd "$(cat "$1/folder")" || exit
trap '{ export -p; } > "$LOCALCLOUD_STATE/exported"; pwd > "$LOCALCLOUD_STATE/folder"' EXIT
eval "$2"
"""
NO_DOCKER = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. "
    "Is the docker daemon running?"
)


class Host:
    """What one build has of this machine.

    Parameters
    ----------
    cloud : Cloud
    build : Build
    """

    def __init__(self, cloud: Cloud, build: Build) -> None:
        self.folder = cloud.data / "builds" / build.uuid
        self.source = self.folder / "src"
        self._cloud, self._build = cloud, build
        self._environment: dict[str, str] = {}
        self._shell: list[str] = []

    def provision(self) -> None:
        """Make the folder, with the build's own docker in it."""
        for name in ("bin", "home", "tmp", "state", "src"):
            (self.folder / name).mkdir(parents=True)
        privileged = self._build.project["environment"].get("privilegedMode")
        docker = _module("localcloud.engines.images.docker", self._daemon())
        missing = f"#!/bin/sh\necho {shlex.quote('docker: ' + NO_DOCKER)} >&2\nexit 125\n"
        for name, script in {
            "docker": docker if privileged else missing,
            "aws": _module("localcloud.engines.images.codebuild.aws", {}),
        }.items():
            (self.folder / "bin" / name).write_text(script)
            (self.folder / "bin" / name).chmod(0o755)

    def prepare(self, spec: Buildspec) -> None:
        """Set the variables; those of StartBuild and the project stand before the buildspec's."""
        given = self._build.project["environment"].get("environmentVariables") or []
        variables = dict(spec.variables) | {each["name"]: each["value"] for each in given}
        self._environment = self._own() | variables | {"LOCALCLOUD_STATE": str(self._state)}
        # AWS's /bin/sh is bash, in POSIX mode.
        self._shell = ["/bin/bash", "--noprofile", "--norc"]
        self._shell += ["--posix"] if spec.shell == "/bin/sh" else []
        (self._state / "exported").touch()
        (self._state / "folder").write_text(str(self.source))

    def run(
        self, line: str, say: Callable[[str], None], ended: Callable[[], bool], succeeding: bool
    ) -> int | None:
        """Run one line of the buildspec; give its exit, or None where it was ended."""
        words = [*self._shell, "-c", STEP, "bash", str(self._state), line]
        told = {"CODEBUILD_BUILD_SUCCEEDING": str(int(succeeding))}
        with (self._state / "exported").open("a") as exported:
            exported.write(f"export CODEBUILD_BUILD_SUCCEEDING={int(succeeding)}\n")
        return command.run(words, self._environment | told, self.folder, say, ended)

    def leave(self) -> None:
        """Remove the folder: a build's machine is gone with it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _state(self) -> Path:
        return self.folder / "state"

    def _daemon(self) -> dict[str, str]:
        """What docker knows of the host, and the build's commands need not."""
        engine = podman.program()
        return (podman.settings(engine) if engine else {}) | {
            "HOME": os.environ.get("HOME", "/"),
            "DOCKER_CONFIG": str(self.folder / "home" / ".docker"),
            "LOCALCLOUD_DOCKER": str(self.folder / "docker"),
            "LOCALCLOUD_IMAGES": str(layers.folder()),
        }

    def _own(self) -> dict[str, str]:
        build, cloud = self._build, self._cloud
        reach = {n: os.environ[n] for n in layers.PASSED_ON if n in os.environ and n != "HOME"}
        # https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
        return reach | {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "AWS_REGION": cloud.region,
            "AWS_DEFAULT_REGION": cloud.region,
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            **{name.upper(): value for name, value in CREDENTIALS.items()},
            "CODEBUILD_CI": "true",
            "CODEBUILD_BUILD_ARN": build.arn(f"build/{build.id}"),
            "CODEBUILD_BUILD_ID": build.id,
            "CODEBUILD_BUILD_IMAGE": build.project["environment"]["image"],
            "CODEBUILD_BUILD_NUMBER": str(build.number),
            "CODEBUILD_INITIATOR": "localcloud",
            "CODEBUILD_LOG_PATH": build.logs.get("streamName", ""),
            "CODEBUILD_RESOLVED_SOURCE_VERSION": build.resolved,
            "CODEBUILD_SOURCE_VERSION": build.project.get("sourceVersion", ""),
            "CODEBUILD_SRC_DIR": str(self.source),
            "CODEBUILD_START_TIME": str(int(build.started * 1000)),
        }


def _module(name: str, environment: Mapping[str, str]) -> str:
    """A script that runs one of our modules, whatever lies in the folder that it is called in."""
    home = str(Path(localcloud.__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {home!r}); from {name} import main; main()"
    settings = " ".join(f"{key}={shlex.quote(value)}" for key, value in environment.items())
    python = f"{shlex.quote(sys.executable)} -P -c {shlex.quote(code)}"
    return f'#!/bin/sh\nunset PYTHONPATH PYTHONHOME\n{settings} exec {python} "$@"\n'
