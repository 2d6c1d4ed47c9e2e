"""What a cluster finds: the roles, networks and buckets that moto has, and this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.models import ec2_backends
from moto.emr.models import emr_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from localcloud.cloud import CREDENTIALS, Cloud
from localcloud.engines.emr import checks
from localcloud.engines.emr.clusters import Cluster
from localcloud.engines.emr.node_work import Node
from localcloud.engines.emr.versions import versions


class Surroundings:
    """Those of one cloud's clusters.

    Parameters
    ----------
    cloud : Cloud
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._emr: Any = emr_backends[cloud.account][cloud.region]

    def known(self) -> checks.Known:
        """What a request is held against."""
        account, region = self._cloud.account, self._cloud.region
        iam: Any = iam_backends[account]["aws"]
        ec2: Any = ec2_backends[account][region]
        s3: Any = s3_backends[account]["aws"]
        return checks.Known(
            releases=self._emr.list_release_labels(),
            types=self._emr._get_instance_type_names,
            applications=versions(),
            role=lambda name: _has(iam.get_role, name.rpartition("/")[2]),
            profile=lambda name: _has(iam.get_instance_profile, name.rpartition("/")[2]),
            bucket=lambda name: name in s3.buckets,
            subnet=lambda id_: _has(ec2.get_subnet, id_),
            group=lambda id_: ec2.get_security_group_from_id(id_) is not None,
        )

    def node(self, cluster: Cluster) -> Node:
        """What a cluster's commands get: its workers, as far as this machine has them."""
        types = [self._emr._instance_types[kind] for kind in cluster.hardware.workers]
        return Node(
            folder=self._cloud.data / "emr" / cluster.id,
            endpoint=self._cloud.endpoint,
            region=self._cloud.region,
            vcores=min(_cores(), sum(int(each["VCPU"]) for each in types)),
            memory_mib=int(min(float(each["MemoryGB"]) for each in types) * 1024),
            credentials={
                "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
                "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
            },
            configurations=checks.properties(cluster.given.get("Configurations") or []),
        )


def _has(find: Callable[[str], Any], name: str) -> bool:
    try:
        find(name)
    except ServiceException:
        return False
    return True


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
