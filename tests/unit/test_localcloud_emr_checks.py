"""What a cluster and its steps may ask for, and what is refused by name."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from moto.emr.exceptions import ValidationException

from localcloud.engines.emr import checks, policies, step_checks
from localcloud.engines.emr.checks import Known, check

MASTER = {"InstanceRole": "MASTER", "InstanceType": "m6i.xlarge", "InstanceCount": 1}
CORE = MASTER | {"InstanceRole": "CORE"}
TASK = MASTER | {"InstanceRole": "TASK"}
KNOWN = Known(
    releases=["emr-7.13.0", "emr-6.15.0"],
    types=lambda release: ["m6i.xlarge"],
    applications={"Hadoop": "3", "Spark": "3"},
    role=lambda name: name == "r",
    profile=lambda name: name == "p",
    bucket=lambda name: name == "b",
    subnet=lambda id_: id_ == "subnet-0",
    group=lambda id_: id_ == "sg-0",
)


def request(*groups: dict[str, Any], **more: Any) -> dict[str, Any]:
    instances = {"InstanceGroups": list(groups or [MASTER, CORE])} | more.pop("Instances", {})
    return {
        "Name": "c",
        "ReleaseLabel": "emr-7.13.0",
        "Instances": instances,
        "JobFlowRole": "p",
        "ServiceRole": "r",
    } | more


def step(*args: str, **more: Any) -> dict[str, Any]:
    jar = {"Jar": "command-runner.jar", "Args": list(args)}
    return {"Name": "s", "ActionOnFailure": "CONTINUE", "HadoopJarStep": jar} | more


@pytest.mark.parametrize(
    "given",
    [
        request(),
        request(MASTER, CORE, TASK, TASK),
        request(LogUri="s3://b/logs/"),
        request(LogUri="s3n://b"),
        request(Instances={"Ec2SubnetId": "subnet-0", "EmrManagedMasterSecurityGroup": "sg-0"}),
        request(StepConcurrencyLevel=256),
        request(Configurations=[{"Classification": "mapred-site", "Properties": {"a": "b"}}]),
    ],
)
def test_what_is_honoured_passes(given: dict[str, Any]) -> None:
    check(given, KNOWN)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (request(AmiVersion="3.11") | {"ReleaseLabel": None}, "AmiVersion"),
        (request(ReleaseLabel="emr-7.99.0"), "invalid: emr-7.99.0"),
        (request(ReleaseLabel="emr-6.15.0"), "can't honour"),
        (request(SecurityConfiguration="s"), "SecurityConfiguration"),
        (request(AdditionalInfo="{}"), "AdditionalInfo"),
        (request(SupportedProducts=["mapr"]), "SupportedProducts"),
        (request(Applications=[{"Name": "Hive"}]), "Hive.*Hadoop and Spark"),
        (request(Applications=[{"Name": "Spark", "Args": ["x"]}]), "Applications.Args"),
        (request(ServiceRole=None), "ServiceRole is required"),
        (request(JobFlowRole=None), "InstanceProfile is required"),
        (request(AutoScalingRole="x"), "Invalid AutoScalingRole: x"),
        (request(LogUri="/here"), "must be an S3 location"),
        (request(LogUri="s3://c/"), "no bucket c"),
        (request(Instances={"HadoopVersion": "2.4.0"}), "HadoopVersion"),
        (request(Instances={"Ec2SubnetIds": ["subnet-1"]}), "subnet-1"),
        (request(Instances={"AdditionalSlaveSecurityGroups": ["sg-1"]}), "sg-1"),
        (request(Instances={"MasterInstanceType": "m6i.xlarge"}), "Exactly one of"),
        (request(CORE), "one MASTER"),
        (request(MASTER, TASK), "must have CORE"),
        (request(MASTER | {"InstanceCount": 3}), "one machine"),
        (request(MASTER | {"InstanceType": "m1.small"}), "m1.small"),
        (request(MASTER, CORE | {"AutoScalingPolicy": {"Rules": []}}), "CORE.AutoScalingPolicy"),
        (request(StepConcurrencyLevel=257), "257"),
        (request(AutoTerminationPolicy={}), "between 60"),
        (request(ManagedScalingPolicy={}), "ComputeLimits is required"),
        (request(Configurations=[{"Classification": "yarn-site"}]), "yarn-site"),
        (
            request(Configurations=[{"Classification": "core-site", "Configurations": [{}]}]),
            "Nest nothing",
        ),
        (
            request(
                BootstrapActions=[
                    {"Name": "b", "ScriptBootstrapAction": {"Path": "file:///usr/share/a.sh"}}
                ]
            ),
            "BootstrapActions.Path",
        ),
    ],
)
def test_what_is_not_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationException, match=why):
        check(given, KNOWN)


def test_limits_of_scaling() -> None:
    limits = {"UnitType": "Instances", "MinimumCapacityUnits": 1, "MaximumCapacityUnits": 5}
    policies.check_scaling({"ComputeLimits": limits | {"MaximumOnDemandCapacityUnits": 0}})
    for wrong in (
        {"MinimumCapacityUnits": 6},
        {"MinimumCapacityUnits": 0},
        {"MaximumCoreCapacityUnits": 6},
    ):
        with pytest.raises(ValidationException):
            policies.check_scaling({"ComputeLimits": limits | wrong})


def test_every_honoured_name_is_one_of_the_api() -> None:
    model = botocore.session.get_session().get_service_model("emr")
    assert set(model.operation_model("RunJobFlow").input_shape.members) >= checks.HONOURED


def test_later_properties_stand() -> None:
    given = [
        {"Classification": "core-site", "Properties": {"a": "1", "b": "1"}},
        {"Classification": "core-site", "Properties": {"b": "2"}},
    ]
    assert checks.properties(given) == {"core-site": {"a": "1", "b": "2"}}


@pytest.mark.parametrize(
    ("given", "concurrency", "active", "why"),
    [
        (step(), 1, 0, "no command"),
        (step("pig-script"), 1, 0, "no Pig here"),
        (step("true", HadoopJarStep={"Jar": "s3://b/a.jar"}), 1, 0, "a.jar"),
        (
            step("true", HadoopJarStep={"Jar": "command-runner.jar", "MainClass": "M"}),
            1,
            0,
            "MainClass",
        ),
        (step("true", ActionOnFailure="PANIC"), 1, 0, "PANIC"),
        (step("true", ActionOnFailure="TERMINATE_CLUSTER"), 2, 0, "must be CONTINUE"),
        (step("true"), 1, 256, "Maximum number of active steps"),
        (step("x" * 10_223), 1, 0, "has 10241 characters"),
    ],
)
def test_steps_that_are_refused(
    given: dict[str, Any], concurrency: int, active: int, why: str
) -> None:
    with pytest.raises(ValidationException, match=why):
        step_checks.check([given], concurrency, active)


def test_steps_at_the_limits_pass() -> None:
    step_checks.check([step("x" * 10_222)], 1, 255)
    step_checks.check([step("true", ActionOnFailure="TERMINATE_CLUSTER")], 1, 0)
