"""Clusters, steps and their instances as the API tells of them; the clock that they go by."""

from __future__ import annotations

import time
from typing import Any

import pytest

from localcloud.clock import Clock
from localcloud.engines.emr import hardware, logs
from localcloud.engines.emr.clusters import Cluster
from localcloud.engines.emr.steps import Step

TYPES = [{"InstanceType": "m6i.xlarge", "WeightedCapacity": 4}, {"InstanceType": "m6i.large"}]


def cluster(**more: Any) -> Cluster:
    given = {
        "Name": "c",
        "JobFlowRole": "p",
        "Instances": {"MasterInstanceType": "m6i.xlarge", "InstanceCount": 3},
    }
    return Cluster(given | more, "arn:aws:elasticmapreduce:r:1:cluster/", 10.0, {})


def test_a_clock_goes_on_and_never_back() -> None:
    clock, told = Clock(), list[int]()
    clock.on_move(lambda: told.append(1))
    before = clock.now()
    clock.advance(900)
    assert 900 <= clock.now() - before < 910
    assert clock.now() - time.time() == pytest.approx(900, abs=5)
    assert told == [1]
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="never back"):
            clock.advance(wrong)


def test_an_end_is_told_once() -> None:
    made = cluster()
    running, waiting = Step({"Name": "a", "HadoopJarStep": {"Jar": "j"}}, 1.0), Step({}, 1.0)
    made.steps += [running, waiting]
    running.begin(2.0)
    made.end("USER_REQUEST", "first")
    made.end("STEP_FAILURE", "second", failing=True)
    assert made.status()["StateChangeReason"] == {"Code": "USER_REQUEST", "Message": "first"}
    assert (made.state, made.failing) == ("TERMINATING", False)
    assert running.stopped.is_set()
    assert not waiting.stopped.is_set()


def test_master_and_slaves_are_groups() -> None:
    made = cluster().hardware
    assert [(g.role, len(g.units)) for g in made.groups] == [("MASTER", 1), ("CORE", 2)]
    assert made.workers == ["m6i.xlarge"] * 2
    assert len({each["Id"] for each in made.instances}) == 3


def test_fleets_have_what_their_weights_give() -> None:
    fleet = {"InstanceFleetType": "CORE", "InstanceTypeConfigs": TYPES}
    made = hardware.of(
        {
            "InstanceFleets": [
                {"InstanceFleetType": "MASTER", "TargetOnDemandCapacity": 4}
                | fleet
                | {"InstanceFleetType": "MASTER"},
                fleet | {"TargetOnDemandCapacity": 5, "TargetSpotCapacity": 4},
            ]
        }
    )
    markets = [market for _, market in made.fleets[1].units]
    assert markets == ["ON_DEMAND", "ON_DEMAND", "SPOT"]
    assert made.kind == "INSTANCE_FLEET"
    told = made.fleets[1].describe("WAITING", {})
    assert told["ProvisionedOnDemandCapacity"] == 5
    assert [each["InstanceType"] for each in told["InstanceTypeSpecifications"]] == [
        "m6i.xlarge",
        "m6i.large",
    ]


def test_a_master_alone_does_the_work() -> None:
    assert hardware.of({"MasterInstanceType": "m6i.large"}).workers == ["m6i.large"]


def test_a_step_tells_what_is_known_so_far() -> None:
    step = Step({"Name": "s", "HadoopJarStep": {"Jar": "j", "Args": ["a"]}}, 1.0)
    told = step.describe()
    assert told["ActionOnFailure"] == "TERMINATE_CLUSTER"
    assert told["Status"]["Timeline"] == {"CreationDateTime": 1.0}
    step.begin(2.0)
    step.end("FAILED", 3.0, Reason="Unknown Error.", Message="", LogFile="s3://b/k")
    told = step.describe()["Status"]
    assert told["FailureDetails"] == {"Reason": "Unknown Error.", "LogFile": "s3://b/k"}
    assert told["Timeline"]["EndDateTime"] == 3.0


def test_where_logs_go() -> None:
    made = cluster(LogUri="s3n://b/logs/")
    assert made.logs == f"s3n://b/logs/{made.id}"
    assert logs.split(made.logs) == ("b", f"logs/{made.id}")
    assert cluster(LogUri="s3://b").logs
    assert cluster().logs is None
