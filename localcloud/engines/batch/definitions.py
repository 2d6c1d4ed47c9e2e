"""Job definitions: registered, checked, and told again as they were given."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.engines.batch import container_checks, node_checks, strategies
from localcloud.engines.batch.errors import only, refused, request

Shape = dict[str, Any]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
KEPT = (
    "type",
    "schedulingPriority",
    "parameters",
    "retryStrategy",
    "containerProperties",
    "timeout",
    "nodeProperties",
    "propagateTags",
    "platformCapabilities",
)
HONOURED = frozenset({"jobDefinitionName", "tags", *KEPT})
LISTS = ("command", "volumes", "environment", "mountPoints", "ulimits", "secrets")


@dataclass
class Definition:
    """One revision of a job definition; `given` is RegisterJobDefinition's request."""

    given: Shape
    revision: int
    arn: str
    status: str = "ACTIVE"

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.given["jobDefinitionName"])

    @property
    def on_fargate(self) -> bool:
        """Whether its containers are Fargate's; EC2's, if nothing is said."""
        return "FARGATE" in (self.given.get("platformCapabilities") or [])

    @property
    def nodes(self) -> Shape | None:
        """Its nodeProperties, where it is of a multi-node parallel job."""
        found: Shape | None = self.given.get("nodeProperties")
        return found if self.given["type"] == "multinode" else None

    def describe(self) -> Shape:
        """As DescribeJobDefinitions gives it, without tags."""
        told = {name: copy.deepcopy(self.given[name]) for name in KEPT if name in self.given}
        if "containerProperties" in told:
            told["containerProperties"] = filled(told["containerProperties"])
        return {
            "jobDefinitionName": self.name,
            "jobDefinitionArn": self.arn,
            "revision": self.revision,
            "status": self.status,
            "containerOrchestrationType": "ECS",
            "parameters": {},
            **told,
        }


def filled(container: Mapping[str, Any]) -> Shape:
    """A container's properties with the empty lists that Batch tells."""
    return {name: [] for name in (*LISTS, "resourceRequirements")} | dict(container)


@dataclass
class Definitions:
    """All of an account and region.

    Parameters
    ----------
    region : str
    arn : callable
        The ARN of a name with its revision.
    """

    region: str
    arn: Callable[[str], str]
    known: dict[str, list[Definition]] = field(default_factory=dict)

    def register(self, given: Shape) -> Definition:
        """Keep one more revision.

        Raises
        ------
        ClientException
        """
        check(given, self.region)
        revisions = self.known.setdefault(given["jobDefinitionName"], [])
        number = len(revisions) + 1
        made = Definition(
            copy.deepcopy(given), number, self.arn(f"{given['jobDefinitionName']}:{number}")
        )
        revisions.append(made)
        return made

    def deregister(self, which: str) -> None:
        """Make one inactive: nothing can be submitted with it any more.

        Raises
        ------
        ClientException
        """
        name, number = self._split(which)
        if number is None:
            raise request(f"A revision is needed to deregister a job definition; found {which}.")
        found = self._revision(name, number)
        if found:
            found.status = "INACTIVE"

    def find(self, which: str) -> Definition:
        """The one that a name, name:revision or ARN means: without a revision the last active.

        Raises
        ------
        ClientException
        """
        name, number = self._split(which)
        if number is not None:
            found = self._revision(name, number)
        else:
            active = [each for each in self.known.get(name, []) if each.status == "ACTIVE"]
            found = active[-1] if active else None
        if found is None or found.status != "ACTIVE":
            raise refused(f"JobDefinition {which} does not exist or is not active.")
        return found

    def select(self, name: str | None, which: list[str], status: str | None) -> list[Definition]:
        """Those that DescribeJobDefinitions asks for; all, where it names none."""
        if which:
            found = [each for asked in which for each in self._named(asked)]
        elif name:
            found = list(self.known.get(name, []))
        else:
            found = [each for revisions in self.known.values() for each in revisions]
        return [each for each in found if status in (None, each.status)]

    def _named(self, which: str) -> list[Definition]:
        name, number = self._split(which)
        if number is None:
            return list(self.known.get(name, []))
        found = self._revision(name, number)
        return [found] if found else []

    def _split(self, which: str) -> tuple[str, int | None]:
        name, _, number = which.rpartition("job-definition/")[2].partition(":")
        return name, int(number) if number.isdecimal() else None

    def _revision(self, name: str, number: int) -> Definition | None:
        return next((each for each in self.known.get(name, []) if each.revision == number), None)


def check(given: Shape, region: str) -> None:
    """Check RegisterJobDefinition's request.

    Raises
    ------
    ClientException
    """
    only(given, HONOURED, "RegisterJobDefinition", "Give containerProperties or nodeProperties.")
    if not NAME.fullmatch(given["jobDefinitionName"]):
        raise request(
            f"Job definition name {given['jobDefinitionName']} should match valid pattern."
        )
    platforms = given.get("platformCapabilities") or ["EC2"]
    if unknown := set(platforms) - {"EC2", "FARGATE"}:
        raise request(f"platformCapabilities are EC2 or FARGATE; found {sorted(unknown)[0]}.")
    strategies.check_retry(given.get("retryStrategy") or {})
    strategies.check_timeout(given.get("timeout") or {})
    on_fargate = "FARGATE" in platforms
    if given["type"] == "multinode":
        _check_nodes(given, on_fargate, region)
    elif given["type"] == "container":
        if not given.get("containerProperties") or given.get("nodeProperties"):
            raise request("A definition of type container needs containerProperties alone.")
        container = given["containerProperties"]
        container_checks.check(container, on_fargate, region, "containerProperties")
        container_checks.check_size(container, on_fargate)
    else:
        raise request(f"type must be container or multinode; found {given['type']}.")


def _check_nodes(given: Shape, on_fargate: bool, region: str) -> None:
    if on_fargate:
        # https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html
        raise request("Multi-node parallel jobs aren't supported on Fargate resources.")
    if not given.get("nodeProperties") or given.get("containerProperties"):
        raise request("A definition of type multinode needs nodeProperties alone.")
    node_checks.check(given["nodeProperties"], region)
