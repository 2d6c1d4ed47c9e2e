"""One cluster as the API tells of it: its states, their reasons, its times, its settings.

STARTING ─▶ BOOTSTRAPPING ─▶ RUNNING ⇄ WAITING ─▶ TERMINATING ─▶ TERMINATED
                                                              └▶ TERMINATED_WITH_ERRORS
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from localcloud.engines.emr import hardware
from localcloud.engines.emr.steps import ACTIVE, Step, new_id

Shape = dict[str, Any]

OVER = ("TERMINATED", "TERMINATED_WITH_ERRORS")
CLOSING = ("TERMINATING", *OVER)

#: What of RunJobFlow's request is told again as it was given.
KEPT = (
    "LogUri",
    "ReleaseLabel",
    "ServiceRole",
    "AutoScalingRole",
    "EbsRootVolumeSize",
    "EbsRootVolumeIops",
    "EbsRootVolumeThroughput",
    "RepoUpgradeOnBoot",
)
KEPT_OF_EC2 = (
    "Ec2KeyName",
    "EmrManagedMasterSecurityGroup",
    "EmrManagedSlaveSecurityGroup",
    "ServiceAccessSecurityGroup",
    "AdditionalMasterSecurityGroups",
    "AdditionalSlaveSecurityGroups",
)


@dataclass
class Cluster:
    """One cluster.

    Parameters
    ----------
    given : dict
        RunJobFlow's request.
    arn_prefix : str
        Its ARN up to its id.
    created : float
        Seconds since 1970.
    versions : dict
        Of each application, what really runs here.

    Notes
    -----
    `changed` guards all of it, and tells its `life` that something is to be done.
    """

    given: Shape
    arn_prefix: str
    created: float
    versions: dict[str, str]
    id: str = field(default_factory=lambda: new_id("j-"))
    state: str = "STARTING"
    code: str = ""
    message: str = ""
    ready: float | None = None
    ended: float | None = None
    idle_since: float | None = None
    idle_policy: Shape | None = None
    policy_since: float = 0.0
    scaling: Shape | None = None
    ending: bool = False
    failing: bool = False
    steps: list[Step] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        instances = self.given["Instances"]
        self.keep_alive = bool(instances.get("KeepJobFlowAliveWhenNoSteps"))
        self.protected = bool(instances.get("TerminationProtected"))
        self.visible = bool(self.given.get("VisibleToAllUsers", True))
        self.concurrency = int(self.given.get("StepConcurrencyLevel") or 1)
        self.tags = {t["Key"]: t.get("Value", "") for t in self.given.get("Tags") or []}
        self.hardware = hardware.of(instances)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"{self.arn_prefix}{self.id}"

    @property
    def logs(self) -> str | None:
        """Where its logs go, without a slash at the end."""
        uri = self.given.get("LogUri")
        return f"{uri.rstrip('/')}/{self.id}" if uri else None

    def move(self, state: str, message: str, code: str = "") -> None:
        """Be in a state, for a reason."""
        self.state, self.code, self.message = state, code, message

    def end(self, code: str, message: str, failing: bool = False) -> None:
        """Begin to end, once: everything that runs is stopped, what waits is cancelled."""
        with self.changed:
            if self.ending:
                return
            self.ending, self.failing = True, failing
            self.move("TERMINATING", message, code)
            self.stopped.set()
            for step in self.steps:
                if step.state == "RUNNING":
                    step.stopped.set()
            self.changed.notify_all()

    def active(self) -> list[Step]:
        """The steps that are not over."""
        return [step for step in self.steps if step.state in ACTIVE]

    def status(self) -> Shape:
        """Its state, why, and since when."""
        reason = {"Code": self.code, "Message": self.message}
        times = {
            "CreationDateTime": self.created,
            "ReadyDateTime": self.ready,
            "EndDateTime": self.ended,
        }
        return {
            "State": self.state,
            "StateChangeReason": {key: text for key, text in reason.items() if text},
            "Timeline": {name: when for name, when in times.items() if when is not None},
        }

    def summary(self) -> Shape:
        """As ListClusters gives it."""
        return {
            "Id": self.id,
            "Name": self.given["Name"],
            "Status": self.status(),
            "NormalizedInstanceHours": 0,
            "ClusterArn": self.arn,
        }

    def describe(self) -> Shape:
        """As DescribeCluster gives it."""
        told = self.summary() | {
            "Ec2InstanceAttributes": self._ec2(),
            "InstanceCollectionType": self.hardware.kind,
            "AutoTerminate": not self.keep_alive,
            "TerminationProtected": self.protected,
            "UnhealthyNodeReplacement": bool(
                self.given["Instances"].get("UnhealthyNodeReplacement")
            ),
            "VisibleToAllUsers": self.visible,
            "Applications": self._applications(),
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
            "Configurations": self.given.get("Configurations") or [],
            "ScaleDownBehavior": self.given.get("ScaleDownBehavior")
            or "TERMINATE_AT_TASK_COMPLETION",
            "StepConcurrencyLevel": self.concurrency,
            "PlacementGroups": [],
        }
        if self.ready:
            told["MasterPublicDnsName"] = "localhost"
        return told | {name: self.given[name] for name in KEPT if self.given.get(name) is not None}

    def _applications(self) -> list[Shape]:
        """Those that were asked for, and Hadoop, which every cluster has."""
        names = [each["Name"] for each in self.given.get("Applications") or []]
        names += [] if "Hadoop" in names else ["Hadoop"]
        return [{"Name": name, "Version": self.versions[name]} for name in names]

    def _ec2(self) -> Shape:
        instances = self.given["Instances"]
        subnets = instances.get("Ec2SubnetIds") or []
        subnets = [instances["Ec2SubnetId"]] if instances.get("Ec2SubnetId") else subnets
        zone = (instances.get("Placement") or {}).get("AvailabilityZone")
        told = {
            "IamInstanceProfile": self.given["JobFlowRole"],
            "RequestedEc2SubnetIds": subnets,
            "RequestedEc2AvailabilityZones": [zone] if zone else [],
        }
        if subnets:
            told["Ec2SubnetId"] = subnets[0]
        if zone:
            told["Ec2AvailabilityZone"] = zone
        return told | {name: instances[name] for name in KEPT_OF_EC2 if instances.get(name)}
