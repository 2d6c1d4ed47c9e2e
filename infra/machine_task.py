"""What all states of the run are made of: names, times, and the call of a function."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.retries import lambda_retries

State = dict[str, Any]

#: Seconds that a call of function `run` and of `register` may take. A table is written by one
#: call, so it gets all that Lambda gives.
RUN_TIMEOUT_S = 120
REGISTER_TIMEOUT_S = 900
#: Seconds more that the machine waits, so that a function's own timeout is what is told.
GRACE_S = 30


@dataclass(frozen=True)
class ProgramNames:
    """Where a stage's program lies.

    Parameters
    ----------
    file, archive : str
        URIs of the program itself, and of what it imports.
    jars : tuple of str
        URIs of its jars.
    python : str
        The nodes' Python, as ``python3.11``.
    libraries : mapping
        Versions of the packages in the archive.
    """

    file: str
    archive: str
    jars: tuple[str, ...]
    python: str
    libraries: Mapping[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> State:
        """As the functions get it."""
        said = {"file": self.file, "archive": self.archive, "libraries": dict(self.libraries)}
        return {**said, "jars": list(self.jars), "python": self.python}


@dataclass(frozen=True)
class TaskNames:
    """Where the program of a stage in containers lies, and what its job is called.

    Parameters
    ----------
    archive : str
        URI of the program with what it imports.
    definition, queue : str
        Names of its job definition and queue.
    """

    archive: str
    definition: str
    queue: str

    @property
    def payload(self) -> State:
        """As the functions get it."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class ClusterNames:
    """What a cluster is made of.

    Parameters
    ----------
    service_role, profile : str
        EMR's own role, and the instance profile of the nodes.
    subnet, primary, workers : str
        Ids of the subnet and of the security groups.
    bootstrap : str
        URI of the script that prepares nodes with GPUs; empty where there are none.
    """

    service_role: str
    profile: str
    subnet: str
    primary: str
    workers: str
    bootstrap: str = ""


@dataclass(frozen=True)
class Names:
    """What the states name beside the plan.

    Parameters
    ----------
    bucket : str
        The lake's bucket.
    partition : str
        Of ARNs: ``aws``, or ``aws-cn``.
    cluster : ClusterNames, optional
        Where there are stages that need one.
    programs : mapping
        Of stages on a cluster and in containers, by their names.
    """

    bucket: str
    partition: str = "aws"
    cluster: ClusterNames | None = None
    programs: Mapping[str, ProgramNames | TaskNames] = field(default_factory=dict)

    def integration(self, name: str) -> str:
        """ARN of one of Step Functions' own integrations."""
        return f"arn:{self.partition}:states:::{name}"


def lambda_task(names: Names, function: str, payload: State, timeout_s: int, **more: Any) -> State:
    """A Task that calls a function and takes what it gives."""
    return {
        "Type": "Task",
        "Resource": names.integration("lambda:invoke"),
        "Parameters": {"FunctionName": function, "Payload": payload},
        "TimeoutSeconds": timeout_s + GRACE_S,
        "Retry": lambda_retries(),
        **more,
    }


def chosen(fields: Iterable[str]) -> State:
    """A ResultSelector that takes these fields of what a function gives, and must find them."""
    return {f"{field}.$": f"$.Payload.{field}" for field in fields}
