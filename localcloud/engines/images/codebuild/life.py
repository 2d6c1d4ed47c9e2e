"""Leads one build through its phases.

https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
"""

from __future__ import annotations

import threading
from typing import Any

from localcloud.cloud import Cloud
from localcloud.engines.images.codebuild import buildspec, log, source
from localcloud.engines.images.codebuild.builds import Build
from localcloud.engines.images.codebuild.buildspec import Buildspec, Phase
from localcloud.engines.images.codebuild.errors import PhaseError
from localcloud.engines.images.codebuild.host import Host

LOOK_S = 0.1


class Life:
    """One build's.

    Parameters
    ----------
    cloud : Cloud
    build : Build
    places : threading.Semaphore
        As many builds as may run at a time.
    """

    def __init__(self, cloud: Cloud, build: Build, places: threading.Semaphore) -> None:
        self._cloud, self._build, self._places = cloud, build, places
        self._host = Host(cloud, build)
        where = log.place(build.project, build.uuid)
        build.logs = log.told(cloud, where)
        self._log = log.BuildLog(cloud, where)
        self._deadline = 0.0
        self._failed = ""

    def lead(self) -> None:
        """Go through all phases; whatever happens, the build is over afterwards."""
        status, placed = "FAULT", False
        try:
            with self._build.phase("QUEUED"):
                self._queue()
            placed = True
            status = self._run()
        except PhaseError as fault:
            status = fault.status
        finally:
            self._host.leave()
            if placed:
                self._places.release()
            self._build.end(status)

    def _queue(self) -> None:
        until = self._build.now() + 60 * self._build.project["queuedTimeoutInMinutes"]
        while not self._places.acquire(timeout=LOOK_S):
            if self._build.stopped.is_set():
                raise PhaseError("", "Build was stopped.", "STOPPED")
            if self._build.now() > until:
                raise PhaseError("BUILD_TIMED_OUT", "Build timed out in the queue.", "TIMED_OUT")
        self._deadline = self._build.now() + 60 * self._build.project["timeoutInMinutes"]

    def _run(self) -> str:
        with self._build.phase("PROVISIONING"):
            self._host.provision()
        try:
            spec = self._download()
            for name in buildspec.PHASES:
                if not self._phase(name, spec.phases.get(name, Phase())):
                    break
            else:
                with self._build.phase("UPLOAD_ARTIFACTS"):  # of which there are none
                    pass
        except PhaseError as fault:
            self._tell(fault)
            self._failed = fault.status
        with self._build.phase("FINALIZING"):
            pass
        return self._failed or "SUCCEEDED"

    def _download(self) -> Buildspec:
        build, project = self._build, self._build.project
        with build.phase("DOWNLOAD_SOURCE"):
            self._log.say("Phase is DOWNLOAD_SOURCE")
            s3: Any = self._cloud.client("s3")
            build.resolved = source.fetch(s3, project, self._host.source)
            self._log.say(f"CODEBUILD_SRC_DIR={self._host.source}")
            given = project["source"].get("buildspec", "")
            spec = buildspec.read(buildspec.text(given, self._host.source))
            self._log.say(f"Phases found in YAML: {len(spec.phases)}")
            self._host.prepare(spec)
            self._check()
        self._complete("DOWNLOAD_SOURCE", "SUCCEEDED", "", "")
        return spec

    def _phase(self, name: str, phase: Phase) -> bool:
        """Do a phase; give whether the next may come."""
        kind = name.upper()
        self._log.say(f"Entering phase {kind}")
        try:
            with self._build.phase(kind):
                try:
                    self._commands(phase.commands)
                finally:
                    if not self._ended():
                        self._commands(phase.finally_)
        except PhaseError as fault:
            if fault.status != "FAILED":
                raise
            self._complete(kind, fault.status, fault.code, str(fault))
            self._failed = fault.status
            return phase.goes_on
        self._complete(kind, "SUCCEEDED", "", "")
        return True

    def _commands(self, lines: tuple[str, ...]) -> None:
        for line in lines:
            self._log.say(f"Running command {line}")
            code = self._host.run(line, self._log.line, self._ended, not self._failed)
            if code is None:
                self._check()
            if code:
                raise PhaseError(
                    "COMMAND_EXECUTION_ERROR",
                    f"Error while executing command: {line}. Reason: exit status {code}",
                )

    def _ended(self) -> bool:
        return self._build.stopped.is_set() or self._build.now() > self._deadline

    def _check(self) -> None:
        """Say why a build must end, where it must."""
        if self._build.stopped.is_set():
            raise PhaseError("", "Build was stopped.", "STOPPED")
        if self._build.now() > self._deadline:
            minutes = self._build.project["timeoutInMinutes"]
            raise PhaseError(
                "BUILD_TIMED_OUT", f"Build has timed out after {minutes} minutes.", "TIMED_OUT"
            )

    def _tell(self, fault: PhaseError) -> None:
        kind = self._build.told()["currentPhase"]
        self._complete(kind, fault.status, fault.code, str(fault))

    def _complete(self, kind: str, status: str, code: str, message: str) -> None:
        self._log.say(f"Phase complete: {kind} State: {status}")
        self._log.say(f"Phase context status code: {code} Message: {message}")
