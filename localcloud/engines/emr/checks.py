"""RunJobFlow's request: what EMR would refuse, and by name what the local cloud can't honour."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.engines.emr import hardware, policies
from localcloud.engines.emr.errors import unable, validation

Shape = dict[str, Any]

#: What RunJobFlow can ask for here. JobFlowInstancesConfig's below.
HONOURED = frozenset(
    {
        "Name",
        "LogUri",
        "ReleaseLabel",
        "Instances",
        "Steps",
        "BootstrapActions",
        "Applications",
        "Configurations",
        "VisibleToAllUsers",
        "JobFlowRole",
        "ServiceRole",
        "Tags",
        "AutoScalingRole",
        "ScaleDownBehavior",
        "EbsRootVolumeSize",
        "EbsRootVolumeIops",
        "EbsRootVolumeThroughput",
        "RepoUpgradeOnBoot",
        "StepConcurrencyLevel",
        "ManagedScalingPolicy",
        "AutoTerminationPolicy",
    }
)
NOT_IN_INSTANCES = {"HadoopVersion": "A release label brings its own."}

#: Settings that the nodes' engines read. No YARN runs here, so there is no yarn-site.
CLASSIFICATIONS = ("core-site", "hdfs-site", "mapred-site", "spark-defaults")


@dataclass(frozen=True)
class Known:
    """What a request is held against.

    Parameters
    ----------
    releases : list of str
        Release labels of the region.
    types : callable
        Names of the instance types of a release.
    applications : mapping
        Those that run here, with the version that does.
    role, profile, bucket, subnet, group : callable
        Whether there is an IAM role, an instance profile, a bucket, a subnet, a security group.
    """

    releases: list[str]
    types: Callable[[str], list[str]]
    applications: Mapping[str, str]
    role: Callable[[str], bool]
    profile: Callable[[str], bool]
    bucket: Callable[[str], bool]
    subnet: Callable[[str], bool]
    group: Callable[[str], bool]


def check(given: Shape, known: Known) -> None:
    """Check the whole request.

    Raises
    ------
    ValidationException
    """
    _release(given, known)
    for name in sorted(set(given) - HONOURED):
        raise unable(name, given[name], "Remove it, or run the cluster on AWS.")
    for name, do in NOT_IN_INSTANCES.items():
        if given["Instances"].get(name):
            raise unable(f"Instances.{name}", given["Instances"][name], do)
    _roles(given, known)
    for each in given.get("Applications") or []:
        if each["Name"] not in known.applications:
            can = f"It runs {' and '.join(known.applications)}."
            raise unable("Applications", each["Name"], can)
        for name in sorted(set(each) - {"Name", "Version"}):
            raise unable(f"Applications.{name}", each[name], "Remove it.")
    for each in given.get("Configurations") or []:
        _configuration(each)
    for each in given.get("BootstrapActions") or []:
        path = each["ScriptBootstrapAction"]["Path"]
        if not re.match(r"s3[an]?://", path):
            raise unable("BootstrapActions.Path", path, "Name a script in S3.")
    _logs(given, known)
    _network(given["Instances"], known)
    _instances(given, known)
    policies.check_concurrency(given.get("StepConcurrencyLevel"))
    if "AutoTerminationPolicy" in given:
        policies.check_idle(given["AutoTerminationPolicy"])
    if "ManagedScalingPolicy" in given:
        policies.check_scaling(given["ManagedScalingPolicy"])


def _release(given: Shape, known: Known) -> None:
    label = given.get("ReleaseLabel")
    if given.get("CustomAmiId"):
        raise unable("CustomAmiId", given["CustomAmiId"], "Remove it: no image is booted here.")
    if not label:
        what = given.get("AmiVersion") or "no ReleaseLabel"
        raise unable("AmiVersion", what, "Name a release label, as emr-7.13.0.")
    if label not in known.releases:
        raise validation(f"The supplied release label is invalid: {label}.")
    if not label.startswith("emr-7."):
        raise unable("ReleaseLabel", label, "It has the engines of emr-7.x.")


def _roles(given: Shape, known: Known) -> None:
    if not given.get("ServiceRole"):
        raise validation("ServiceRole is required for creating cluster.")
    if not given.get("JobFlowRole"):
        raise validation("InstanceProfile is required for creating cluster.")
    if not known.profile(given["JobFlowRole"]):
        raise validation(f"Invalid InstanceProfile: {given['JobFlowRole']}.")
    for name in ("ServiceRole", "AutoScalingRole"):
        if given.get(name) and not known.role(given[name]):
            raise validation(f"Invalid {name}: {given[name]}.")


def _configuration(given: Shape) -> None:
    name, nested = given.get("Classification", ""), given.get("Configurations")
    if name not in CLASSIFICATIONS:
        can = f"Use one of {', '.join(CLASSIFICATIONS)}."
        raise unable("Configurations.Classification", name, can)
    if nested:
        raise unable(f"Configurations.{name}", nested, "Nest nothing in it.")


def properties(configurations: list[Shape]) -> dict[str, dict[str, str]]:
    """Properties by classification; of one given twice, the later's stand."""
    found: dict[str, dict[str, str]] = {}
    for each in configurations:
        found.setdefault(each["Classification"], {}).update(each.get("Properties") or {})
    return found


def _logs(given: Shape, known: Known) -> None:
    uri = given.get("LogUri")
    if not uri:
        return
    match = re.fullmatch(r"s3[an]?://([^/]+)(/.*)?", uri)
    if not match:
        raise validation(f"Invalid LogUri: {uri}. It must be an S3 location.")
    if not known.bucket(match[1]):
        raise validation(f"Invalid LogUri: {uri}. There is no bucket {match[1]}.")


def _network(instances: Shape, known: Known) -> None:
    subnets = [*(instances.get("Ec2SubnetIds") or []), instances.get("Ec2SubnetId")]
    for subnet in filter(None, subnets):
        if not known.subnet(subnet):
            raise validation(f"The subnet ID '{subnet}' does not exist")
    names = ("EmrManagedMasterSecurityGroup", "EmrManagedSlaveSecurityGroup")
    groups = [instances.get(name) for name in (*names, "ServiceAccessSecurityGroup")]
    for name in ("AdditionalMasterSecurityGroups", "AdditionalSlaveSecurityGroups"):
        groups += instances.get(name) or []
    for group in filter(None, groups):
        if not known.group(group):
            raise validation(f"The security group '{group}' does not exist")


def _instances(given: Shape, known: Known) -> None:
    instances = given["Instances"]
    ways = [w for w in ("MasterInstanceType", "InstanceGroups", "InstanceFleets") if w in instances]
    if len(ways) != 1:
        raise validation(
            "Exactly one of MasterInstanceType, InstanceGroups and InstanceFleets must be given; "
            f"found {', '.join(ways) or 'none'}."
        )
    parts = hardware.of(instances).parts
    roles = [part.role for part in parts]
    if roles.count("MASTER") != 1 or roles.count("CORE") > 1:
        raise validation("A cluster has one MASTER and at most one CORE group or fleet.")
    if "TASK" in roles and "CORE" not in roles:
        raise validation("A cluster with TASK instances must have CORE instances.")
    types = known.types(given["ReleaseLabel"])
    for part in parts:
        for each in part.given.get("InstanceTypeConfigs") or [part.given]:
            if each["InstanceType"] not in types:
                raise validation(
                    f"Instance type '{each['InstanceType']}' is not supported by "
                    f"{given['ReleaseLabel']}."
                )
            for name in ("AutoScalingPolicy", "CustomAmiId", "Configurations"):
                if each.get(name):
                    raise unable(f"{part.role}.{name}", each[name], "Remove it.")
        if part.role == "MASTER" and len(part.units) != 1:
            raise unable("MASTER instances", len(part.units), "Have one: there is one machine.")
