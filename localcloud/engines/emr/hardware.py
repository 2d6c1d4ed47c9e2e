"""What a cluster was asked to be made of: groups or fleets of instances.

Nothing is bought: the nodes are this machine. What the instance types have bounds what a
cluster's commands get of it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from localcloud.engines.emr.instances import Fleet, Group
from localcloud.engines.emr.steps import new_id

Shape = dict[str, Any]


@dataclass(frozen=True)
class Hardware:
    """All that a cluster is made of."""

    parts: tuple[Group | Fleet, ...]

    @property
    def kind(self) -> str:
        """InstanceCollectionType."""
        return "INSTANCE_FLEET" if isinstance(self.parts[0], Fleet) else "INSTANCE_GROUP"

    @property
    def groups(self) -> list[Group]:
        """Its instance groups."""
        return [each for each in self.parts if isinstance(each, Group)]

    @property
    def fleets(self) -> list[Fleet]:
        """Its instance fleets."""
        return [each for each in self.parts if isinstance(each, Fleet)]

    @property
    def workers(self) -> list[str]:
        """The types of the instances that tasks run on: the master's where it stands alone."""
        for wanted in (("CORE", "TASK"), ("MASTER",)):
            found = [kind for p in self.parts if p.role in wanted for kind, _ in p.units]
            if found:
                return found
        return []

    @cached_property
    def instances(self) -> list[Shape]:
        """Each instance: ids of its own, and where it belongs."""
        return [
            {
                "Id": new_id("ci-"),
                "Ec2InstanceId": f"i-{secrets.token_hex(8)}0",
                "PrivateDnsName": "localhost",
                "PrivateIpAddress": "127.0.0.1",
                "InstanceGroupId" if isinstance(part, Group) else "InstanceFleetId": part.id,
                "Market": market,
                "InstanceType": kind,
                "_role": part.role,
            }
            for part in self.parts
            for kind, market in part.units
        ]


def of(instances: Shape) -> Hardware:
    """What JobFlowInstancesConfig asks for."""
    if instances.get("InstanceFleets"):
        return Hardware(tuple(Fleet(each) for each in instances["InstanceFleets"]))
    if instances.get("InstanceGroups"):
        return Hardware(tuple(Group(each) for each in instances["InstanceGroups"]))
    master = instances["MasterInstanceType"]
    others = int(instances.get("InstanceCount") or 1) - 1
    groups = [Group({"InstanceRole": "MASTER", "InstanceType": master, "InstanceCount": 1})]
    if others:
        kind = instances.get("SlaveInstanceType") or master
        groups.append(
            Group({"InstanceRole": "CORE", "InstanceType": kind, "InstanceCount": others})
        )
    return Hardware(tuple(groups))
