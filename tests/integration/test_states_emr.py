"""EMR's calls in states: a cluster made, given steps, ended; and what is left of it if not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import Running
from tests.integration.deployed import Deployed, wait_until
from tests.integration.emr_clusters import OVER, Clusters, group, step
from tests.integration.machines import Machines, one, task


@pytest.fixture(scope="module")
def clusters(cloud: Running) -> Iterator[Clusters]:
    made = Clusters(cloud)
    yield made
    made.clean()


@pytest.fixture(scope="module")
def machines(cloud: Running) -> Iterator[Machines]:
    deployed = Deployed(cloud)
    yield Machines(deployed)
    deployed.clean()


def emr(call: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return task(f"elasticmapreduce:{call}", parameters, **more)


def added(cluster: str, *args: str) -> dict[str, Any]:
    return {"ClusterId": cluster, "Step": step(*args)}


def running(machines: Machines, clusters: Clusters, cluster: str) -> str:
    """An execution that waits for a step."""
    state = emr("addStep.sync", added(cluster, "bash", "-c", "sleep 300"))
    execution = machines.start(one(state))
    wait_until(lambda: clusters.states(cluster)[-1:] == ["RUNNING"])
    return execution


def test_a_cluster_from_its_begin_to_its_end(machines: Machines, clusters: Clusters) -> None:
    here = {"ClusterId.$": "$.made.ClusterId"}
    words = {"Name": "s", "HadoopJarStep": {"Jar": "command-runner.jar", "Args.$": "$.args"}}
    states = {
        "step": emr("addStep.sync", here | {"Step": words}, ResultPath="$.step", Next="protect"),
        "protect": emr(
            "setClusterTerminationProtection",
            here | {"TerminationProtected": False},
            ResultPath="$.protect",
            Next="end",
        ),
        "end": emr("terminateCluster.sync", here, ResultPath="$.end"),
    }
    first = emr("createCluster.sync", clusters.request(), ResultPath="$.made", Next="step")
    got = machines.output(one(first, **states), {"args": ["bash", "-c", "echo it ran"]})
    made, ran = got["made"], got["step"]["Step"]
    assert made["Cluster"]["Status"]["State"] == "WAITING"
    assert made["ClusterId"] == made["Cluster"]["Id"]
    assert ran["Status"]["State"] == "COMPLETED"
    assert isinstance(ran["Status"]["Timeline"]["EndDateTime"], int)
    assert clusters.log(made["ClusterId"], f"steps/{ran['Id']}/stdout") == "it ran\n"
    assert got["protect"] == {}
    assert got["end"]["Cluster"]["Status"]["State"] == "TERMINATED"


def test_calls_that_do_not_wait(machines: Machines, clusters: Clusters) -> None:
    made = machines.output(one(emr("createCluster", clusters.request())))
    assert list(made) == ["ClusterId"]
    cluster = made["ClusterId"]
    given = added(cluster, "bash", "-c", "sleep 300")
    told = machines.output(one(emr("addStep", given)))
    assert list(told) == ["StepId"]
    got = machines.output(one(emr("cancelStep", {"ClusterId": cluster, **told})))
    assert got["CancelStepsInfo"] == {**told, "Status": "SUBMITTED", "Reason": ""}
    assert machines.output(one(emr("terminateCluster", {"ClusterId": cluster}))) == {}
    clusters.until(cluster, *OVER)


def test_a_step_that_fails_fails_its_task(machines: Machines, clusters: Clusters) -> None:
    cluster = clusters.run()
    state = emr("addStep.sync", added(cluster, "bash", "-c", "exit 1"))
    got = machines.run(one(state))
    assert (got["status"], got["error"]) == ("FAILED", "States.TaskFailed")
    told = json.loads(got["cause"])["Step"]
    assert told["Status"]["State"] == "FAILED"
    assert told["Status"]["FailureDetails"]["LogFile"].endswith("stderr.gz")


def test_a_cluster_that_fails_fails_its_task(machines: Machines, clusters: Clusters) -> None:
    script = clusters.put("bad.sh", "exit 1")
    action = {"Name": "bad", "ScriptBootstrapAction": {"Path": script}}
    request = clusters.request(BootstrapActions=[action])
    got = machines.run(one(emr("createCluster.sync", request)))
    assert (got["status"], got["error"]) == ("FAILED", "States.TaskFailed")
    status = json.loads(got["cause"])["Cluster"]["Status"]
    assert status["StateChangeReason"]["Code"] == "BOOTSTRAP_FAILURE"


def test_refusals_are_errors_by_name(machines: Machines, clusters: Clusters) -> None:
    got = machines.run(one(emr("addStep.sync", added("j-NONE", "true"))))
    assert got["error"] == "EMR.AmazonElasticMapReduceException"
    assert got["cause"].startswith("Specified job flow ID does not exist. (Service: ")
    assert "Error Code: ValidationException" in got["cause"]
    given = {"ClusterId": "j-NONE", "StepId": "s-NONE"}
    got = machines.run(one(emr("cancelStep", given)))
    assert got["error"] == "EMR.InvalidRequestException"
    caught = {"ErrorEquals": ["EMR.AmazonElasticMapReduceException"], "Next": "caught"}
    state = emr("createCluster", clusters.request(ReleaseLabel="emr-6.15.0"), Catch=[caught])
    got = machines.run(one(state, caught={"Type": "Pass", "End": True}))
    assert got["status"] == "SUCCEEDED"


def test_a_cluster_must_stay_for_its_steps(machines: Machines, clusters: Clusters) -> None:
    request = clusters.request(keep=False)
    got = machines.run(one(emr("createCluster.sync", request)))
    assert got["error"] == "States.Runtime"
    assert "KeepJobFlowAliveWhenNoSteps must have the value true" in got["cause"]
    with pytest.raises(ClientError, match="'Steps' is not supported"):
        machines.make(one(emr("createCluster", request | {"Steps": []})))
    with pytest.raises(ClientError, match="modifyInstanceGroupByName"):
        machines.make(one(emr("modifyInstanceGroupByName", {"ClusterId": "j-1"})))


def test_one_of_no_instances(machines: Machines, clusters: Clusters) -> None:
    request = clusters.request(Instances={"InstanceGroups": [group("CORE")]})
    got = machines.run(one(emr("createCluster.sync", request)))
    assert "one MASTER" in got["cause"]


def test_a_stopped_execution_cancels_its_step_alone(machines: Machines, clusters: Clusters) -> None:
    cluster = clusters.run(AutoTerminationPolicy={"IdleTimeout": 900})
    execution = running(machines, clusters, cluster)
    machines.api.stop_execution(executionArn=execution)
    wait_until(lambda: clusters.states(cluster) == ["CANCELLED"])
    clusters.until(cluster, "WAITING")
    clusters.advance(901)
    assert clusters.until(cluster, *OVER)["State"] == "TERMINATED"


def test_a_task_out_of_time_cancels_its_step(machines: Machines, clusters: Clusters) -> None:
    cluster = clusters.run()
    given = added(cluster, "bash", "-c", "sleep 300")
    got = machines.run(one(emr("addStep.sync", given, TimeoutSeconds=1)))
    assert got["error"] == "States.Timeout"
    wait_until(lambda: clusters.states(cluster) == ["CANCELLED"])


def test_an_execution_stopped_while_it_makes_a_cluster_leaves_it(
    machines: Machines, clusters: Clusters
) -> None:
    script = clusters.put("slow.sh", "sleep 2")
    action = {"Name": "slow", "ScriptBootstrapAction": {"Path": script}}
    name = f"left-{clusters.name}"
    request = clusters.request(
        Name=name, BootstrapActions=[action], AutoTerminationPolicy={"IdleTimeout": 900}
    )
    execution = machines.start(one(emr("createCluster.sync", request)))

    def named() -> list[str]:
        found = clusters.api.list_clusters()["Clusters"]
        return [each["Id"] for each in found if each["Name"] == name]

    wait_until(named)
    machines.api.stop_execution(executionArn=execution)
    (cluster,) = named()
    clusters.until(cluster, "WAITING")
    clusters.advance(901)
    assert clusters.until(cluster, *OVER)["State"] == "TERMINATED"
