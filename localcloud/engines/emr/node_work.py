"""What a step's command is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Node:
    """What a cluster's commands run on.

    Parameters
    ----------
    folder : Path
        The cluster's own folder.
    endpoint : str
        Where the cloud answers.
    vcores : int
        What runs side by side.
    memory_mib : int
        Of one core node: what a task may have is a share of it.
    credentials : mapping
        ``AWS_ACCESS_KEY_ID`` etc. of the job flow's role.
    configurations : mapping
        Classification to properties, as ``mapred-site``.
    """

    folder: Path
    endpoint: str
    region: str
    vcores: int
    memory_mib: int
    credentials: Mapping[str, str]
    configurations: Mapping[str, Mapping[str, str]]

    def settings(self, classification: str) -> dict[str, str]:
        """What the cluster was given for one classification."""
        return dict(self.configurations.get(classification, {}))

    @property
    def yarn_mib(self) -> int:
        """What YARN hands out of a node: three quarters, as on most types with 16 GiB.

        https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-hadoop-task-config.html
        """
        return self.memory_mib * 3 // 4


@dataclass(frozen=True)
class Work:
    """One step.

    Parameters
    ----------
    args : sequence of str
        Of command-runner.jar: ``["hadoop-streaming", …]``.
    folder : Path
        Its working directory, empty.
    logs : Path
        Gets ``controller``, ``stdout``, ``stderr`` and ``syslog`` as they come.
    containers : Path
        Gets ``application_…/container_…/`` as YARN aggregates them.
    """

    args: Sequence[str]
    folder: Path
    logs: Path
    containers: Path


@dataclass(frozen=True)
class Ended:
    """How a step ended: EMR's FailureDetails, where its exit code isn't 0."""

    exit_code: int
    reason: str = ""
    message: str = ""


class CommandError(Exception):
    """A command's arguments can't be honoured; the message is for the step's stderr."""
