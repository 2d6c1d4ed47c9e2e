"""A group of instances or a fleet of them, as it was asked for, and how it is described."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from localcloud.engines.emr.steps import new_id

Shape = dict[str, Any]

#: A group's, a fleet's and an instance's state, by the cluster's.
STATES = {
    "STARTING": ("PROVISIONING", "PROVISIONING", "PROVISIONING"),
    "BOOTSTRAPPING": ("BOOTSTRAPPING", "BOOTSTRAPPING", "BOOTSTRAPPING"),
    "RUNNING": ("RUNNING", "RUNNING", "RUNNING"),
    "WAITING": ("RUNNING", "RUNNING", "RUNNING"),
    "TERMINATING": ("SHUTTING_DOWN", "TERMINATING", "RUNNING"),
    "TERMINATED": ("TERMINATED", "TERMINATED", "TERMINATED"),
    "TERMINATED_WITH_ERRORS": ("TERMINATED", "TERMINATED", "TERMINATED"),
}


@dataclass(frozen=True)
class Group:
    """One InstanceGroupConfig, as it was given."""

    given: Shape
    id: str = field(default_factory=lambda: new_id("ig-"))

    @property
    def role(self) -> str:
        """MASTER, CORE or TASK."""
        return str(self.given["InstanceRole"])

    @property
    def market(self) -> str:
        """ON_DEMAND or SPOT."""
        return str(self.given.get("Market") or "ON_DEMAND")

    @property
    def units(self) -> list[tuple[str, str]]:
        """Type and market of each instance."""
        return [(self.given["InstanceType"], self.market)] * int(self.given["InstanceCount"])

    def describe(self, state: str, times: Shape) -> Shape:
        """As ListInstanceGroups gives it."""
        told = {
            "Id": self.id,
            "Name": self.given.get("Name") or self.role.capitalize(),
            "Market": self.market,
            "InstanceGroupType": self.role,
            "InstanceType": self.given["InstanceType"],
            "RequestedInstanceCount": len(self.units),
            "RunningInstanceCount": len(self.units) if STATES[state][0] == "RUNNING" else 0,
            "Status": {"State": STATES[state][0], "StateChangeReason": {}, "Timeline": times},
            "Configurations": [],
            "EbsBlockDevices": block_devices(self.given.get("EbsConfiguration")),
            "ShrinkPolicy": {},
        }
        kept = {k: self.given[k] for k in ("BidPrice",) if k in self.given}
        ebs = self.given.get("EbsConfiguration") or {}
        if "EbsOptimized" in ebs:
            kept["EbsOptimized"] = ebs["EbsOptimized"]
        return told | kept


@dataclass(frozen=True)
class Fleet:
    """One InstanceFleetConfig, as it was given: all of its first type, since all are at hand."""

    given: Shape
    id: str = field(default_factory=lambda: new_id("if-"))

    @property
    def role(self) -> str:
        """MASTER, CORE or TASK."""
        return str(self.given["InstanceFleetType"])

    @property
    def units(self) -> list[tuple[str, str]]:
        """Type and market of each instance."""
        first = self.given["InstanceTypeConfigs"][0]
        weight = int(first.get("WeightedCapacity") or 1)
        wanted = {"ON_DEMAND": "TargetOnDemandCapacity", "SPOT": "TargetSpotCapacity"}
        return [
            (first["InstanceType"], market)
            for market, field_ in wanted.items()
            for _ in range(math.ceil(int(self.given.get(field_) or 0) / weight))
        ]

    def describe(self, state: str, times: Shape) -> Shape:
        """As ListInstanceFleets gives it."""
        here = STATES[state][1] == "RUNNING"
        demand, spot = (
            int(self.given.get(name) or 0)
            for name in ("TargetOnDemandCapacity", "TargetSpotCapacity")
        )
        told = {
            "Id": self.id,
            "Name": self.given.get("Name") or self.role.capitalize(),
            "Status": {"State": STATES[state][1], "StateChangeReason": {}, "Timeline": times},
            "InstanceFleetType": self.role,
            "TargetOnDemandCapacity": demand,
            "TargetSpotCapacity": spot,
            "ProvisionedOnDemandCapacity": demand if here else 0,
            "ProvisionedSpotCapacity": spot if here else 0,
            "InstanceTypeSpecifications": [
                _specification(each) for each in self.given["InstanceTypeConfigs"]
            ],
        }
        kept = ("LaunchSpecifications", "ResizeSpecifications")
        return told | {name: self.given[name] for name in kept if name in self.given}


def block_devices(ebs: Shape | None) -> list[Shape]:
    """The volumes of each instance, as EbsConfiguration says."""
    volumes = [
        each["VolumeSpecification"]
        for each in (ebs or {}).get("EbsBlockDeviceConfigs") or []
        for _ in range(int(each.get("VolumesPerInstance") or 1))
    ]
    return [
        {"VolumeSpecification": volume, "Device": f"/dev/sd{chr(ord('b') + index)}"}
        for index, volume in enumerate(volumes)
    ]


def _specification(given: Shape) -> Shape:
    kept = (
        "InstanceType",
        "WeightedCapacity",
        "BidPrice",
        "BidPriceAsPercentageOfOnDemandPrice",
        "Priority",
    )
    told = {name: given[name] for name in kept if name in given}
    ebs = given.get("EbsConfiguration") or {}
    optimized = {"EbsOptimized": ebs["EbsOptimized"]} if "EbsOptimized" in ebs else {}
    return told | {"EbsBlockDevices": block_devices(ebs)} | optimized
