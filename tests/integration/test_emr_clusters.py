"""Clusters: what they were asked for is told again, and each way that they end."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import Running
from tests.integration.emr_clusters import OVER, Clusters, group, step

IDLE = {"IdleTimeout": 900}
LIMITS = {"UnitType": "Instances", "MinimumCapacityUnits": 1, "MaximumCapacityUnits": 4}


@pytest.fixture(scope="module")
def clusters(cloud: Running) -> Iterator[Clusters]:
    made = Clusters(cloud)
    yield made
    made.clean()


def refusal(clusters: Clusters, **more: Any) -> str:
    with pytest.raises(ClientError) as refused:
        clusters.run(**more)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    return str(refused.value)


def test_what_was_asked_is_told_again(clusters: Clusters, cloud: Running) -> None:
    ec2 = cloud.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    words = {"GroupName": clusters.name, "Description": "-", "VpcId": subnet["VpcId"]}
    security = ec2.create_security_group(**words)["GroupId"]
    volume = {"VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": 32}, "VolumesPerInstance": 2}
    disk = {"EbsOptimized": True, "EbsBlockDeviceConfigs": [volume]}
    configuration = {"Classification": "spark-defaults", "Properties": {"spark.Mixed": "Case"}}
    instances = {
        "InstanceGroups": [
            group("MASTER"),
            group("CORE", EbsConfiguration=disk),
            group("TASK", Market="SPOT", Name="spot", InstanceCount=2),
        ],
        "Ec2SubnetId": subnet["SubnetId"],
        "EmrManagedMasterSecurityGroup": security,
        "EmrManagedSlaveSecurityGroup": security,
    }
    made = clusters.run(
        Instances=instances,
        Configurations=[configuration],
        Tags=[{"Key": "study", "Value": "it"}],
        AutoTerminationPolicy=IDLE,
        ManagedScalingPolicy={"ComputeLimits": LIMITS},
        VisibleToAllUsers=False,
        StepConcurrencyLevel=3,
        EbsRootVolumeSize=20,
    )
    assert clusters.until(made, "WAITING")["StateChangeReason"] == {
        "Message": "Cluster ready to run steps."
    }
    got = clusters.describe(made)
    assert got["Configurations"] == [configuration]
    assert got["Tags"] == [{"Key": "study", "Value": "it"}]
    assert [each["Name"] for each in got["Applications"]] == ["Hadoop", "Spark"]
    assert got["Applications"][1]["Version"].startswith("3.5.")
    assert (got["VisibleToAllUsers"], got["AutoTerminate"]) == (False, False)
    assert (got["StepConcurrencyLevel"], got["EbsRootVolumeSize"]) == (3, 20)
    assert got["LogUri"] == f"s3://{clusters.name}/logs/"
    told = got["Ec2InstanceAttributes"]
    assert (told["Ec2SubnetId"], told["IamInstanceProfile"]) == (subnet["SubnetId"], clusters.name)
    assert told["EmrManagedSlaveSecurityGroup"] == security
    of = {"ClusterId": made}
    assert clusters.api.get_auto_termination_policy(**of)["AutoTerminationPolicy"] == IDLE
    scaling = clusters.api.get_managed_scaling_policy(**of)["ManagedScalingPolicy"]
    assert scaling == {"ComputeLimits": LIMITS}
    groups = clusters.api.list_instance_groups(**of)["InstanceGroups"]
    assert [g["InstanceGroupType"] for g in groups] == ["MASTER", "CORE", "TASK"]
    assert [v["Device"] for v in groups[1]["EbsBlockDevices"]] == ["/dev/sdb", "/dev/sdc"]
    assert (groups[2]["Market"], groups[2]["RunningInstanceCount"]) == ("SPOT", 2)
    task = clusters.api.list_instances(**of, InstanceGroupTypes=["TASK"])["Instances"]
    assert [each["InstanceGroupId"] for each in task] == [groups[2]["Id"]] * 2


def test_tags_and_policies_change(clusters: Clusters) -> None:
    made = clusters.run()
    of = {"ClusterId": made}
    clusters.api.add_tags(ResourceId=made, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}])
    clusters.api.remove_tags(ResourceId=made, TagKeys=["b"])
    assert clusters.describe(made)["Tags"] == [{"Key": "a", "Value": "1"}]
    clusters.api.put_auto_termination_policy(**of, AutoTerminationPolicy=IDLE)
    clusters.api.remove_auto_termination_policy(**of)
    assert "AutoTerminationPolicy" not in clusters.api.get_auto_termination_policy(**of)
    limits = {"ComputeLimits": LIMITS}
    clusters.api.put_managed_scaling_policy(**of, ManagedScalingPolicy=limits)
    clusters.api.remove_managed_scaling_policy(**of)
    assert "ManagedScalingPolicy" not in clusters.api.get_managed_scaling_policy(**of)


def test_fleets(clusters: Clusters) -> None:
    types = [{"InstanceType": "m6i.xlarge", "WeightedCapacity": 2}]
    fleets = [
        {"InstanceFleetType": "MASTER", "TargetOnDemandCapacity": 1, "InstanceTypeConfigs": types},
        {"InstanceFleetType": "CORE", "TargetSpotCapacity": 4, "InstanceTypeConfigs": types},
    ]
    request = clusters.request()
    request["Instances"] = {"KeepJobFlowAliveWhenNoSteps": True, "InstanceFleets": fleets}
    made = clusters.api.run_job_flow(**request)["JobFlowId"]
    clusters.until(made, "WAITING")
    got = clusters.api.list_instance_fleets(ClusterId=made)["InstanceFleets"]
    assert [each["ProvisionedSpotCapacity"] for each in got] == [0, 4]
    found = clusters.api.list_instances(ClusterId=made, InstanceFleetType="CORE")["Instances"]
    assert [each["Market"] for each in found] == ["SPOT", "SPOT"]
    assert clusters.describe(made)["InstanceCollectionType"] == "INSTANCE_FLEET"
    clusters.api.terminate_job_flows(JobFlowIds=[made])


def test_a_user_ends_it(clusters: Clusters) -> None:
    made = clusters.run()
    clusters.until(made, "WAITING")
    ids = {"JobFlowIds": [made]}
    clusters.api.set_termination_protection(**ids, TerminationProtected=True)
    with pytest.raises(ClientError, match="termination protected"):
        clusters.api.terminate_job_flows(**ids)
    assert clusters.describe(made)["TerminationProtected"] is True
    clusters.api.set_termination_protection(**ids, TerminationProtected=False)
    clusters.api.terminate_job_flows(**ids)
    status = clusters.until(made, *OVER)
    assert status["State"] == "TERMINATED"
    assert status["StateChangeReason"] == {
        "Code": "USER_REQUEST",
        "Message": "Terminated by user request",
    }
    times = status["Timeline"]
    assert times["CreationDateTime"] <= times["ReadyDateTime"] <= times["EndDateTime"]
    when = times["CreationDateTime"]
    for words in ({"ClusterStates": ["TERMINATED"]}, {"CreatedAfter": when}):
        listed = clusters.api.list_clusters(**words)["Clusters"]
        assert made in [each["Id"] for each in listed]
    before = clusters.api.list_clusters(CreatedBefore=when - datetime.timedelta(seconds=1))
    assert made not in [each["Id"] for each in before["Clusters"]]
    assert not (clusters.cloud.data / "emr" / made).exists()


def test_it_ends_with_its_last_step(clusters: Clusters) -> None:
    made = clusters.run(step("bash", "-c", "true"), keep=False)
    status = clusters.until(made, *OVER)
    assert status["State"] == "TERMINATED"
    assert status["StateChangeReason"] == {
        "Code": "ALL_STEPS_COMPLETED",
        "Message": "Steps completed",
    }
    made = clusters.run(step("bash", "-c", "exit 1"), keep=False)
    reason = clusters.until(made, *OVER)["StateChangeReason"]
    assert reason["Message"] == "Steps completed with errors"


def test_one_without_steps_is_given_time_to_get_some(clusters: Clusters) -> None:
    made = clusters.run(keep=False)
    assert clusters.describe(made)["Status"]["State"] == "STARTING"
    clusters.api.add_job_flow_steps(JobFlowId=made, Steps=[step("bash", "-c", "true")])
    clusters.until(made, *OVER)
    assert clusters.states(made) == ["COMPLETED"]
    made = clusters.run(keep=False)
    clusters.advance(121)
    assert clusters.until(made, *OVER)["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"


def test_it_ends_when_it_was_idle_for_so_long(clusters: Clusters) -> None:
    made = clusters.run(step("bash", "-c", "true"), AutoTerminationPolicy={"IdleTimeout": 60})
    busy = clusters.run(step("bash", "-c", "sleep 60"), AutoTerminationPolicy={"IdleTimeout": 60})
    clusters.until(made, "WAITING")
    clusters.until(busy, "RUNNING")
    clusters.advance(50)
    assert clusters.describe(made)["Status"]["State"] == "WAITING"
    clusters.advance(11)
    status = clusters.until(made, *OVER)
    assert status["State"] == "TERMINATED"
    assert "auto-termination policy" in status["StateChangeReason"]["Message"]
    assert clusters.describe(busy)["Status"]["State"] == "RUNNING"


def test_bootstrap_actions_run_before_steps(clusters: Clusters) -> None:
    script = clusters.put("first.sh", 'echo "booted $1" >"$HOME/booted"; echo told')
    action = {"Name": "first", "ScriptBootstrapAction": {"Path": script, "Args": ["so"]}}
    made = clusters.run(
        step("bash", "-c", 'cat "$HOME/booted"'), keep=False, BootstrapActions=[action]
    )
    clusters.until(made, *OVER)
    (ran,) = clusters.steps(made)
    assert clusters.log(made, f"steps/{ran['Id']}/stdout") == "booted so\n"
    told = clusters.api.list_bootstrap_actions(ClusterId=made)["BootstrapActions"]
    assert told == [{"Name": "first", "ScriptPath": script, "Args": ["so"]}]


def test_a_bootstrap_action_that_fails_ends_it(clusters: Clusters) -> None:
    script = clusters.put("bad.sh", "echo no >&2; exit 4")
    action = {"Name": "bad", "ScriptBootstrapAction": {"Path": script}}
    made = clusters.run(step("bash", "-c", "true"), BootstrapActions=[action])
    status = clusters.until(made, *OVER)
    assert status["State"] == "TERMINATED_WITH_ERRORS"
    reason = status["StateChangeReason"]
    assert reason["Code"] == "BOOTSTRAP_FAILURE"
    assert "bootstrap action 1 returned a non-zero return code" in reason["Message"]
    assert clusters.states(made) == ["CANCELLED"]
    (master,) = clusters.api.list_instances(ClusterId=made)["Instances"]
    where = f"node/{master['Ec2InstanceId']}/bootstrap-actions/1/stderr"
    assert clusters.log(made, where) == "no\n"
    gone = {"Name": "gone", "ScriptBootstrapAction": {"Path": f"s3://{clusters.name}/gone.sh"}}
    made = clusters.run(BootstrapActions=[gone])
    assert (
        "failed attempting to download"
        in clusters.until(made, *OVER)["StateChangeReason"]["Message"]
    )


def test_what_cannot_be_honoured_is_refused_by_name(clusters: Clusters) -> None:
    assert "Hive" in refusal(clusters, Applications=[{"Name": "Hive"}])
    assert "CustomAmiId" in refusal(clusters, CustomAmiId="ami-1")
    assert "KerberosAttributes" in refusal(
        clusters, KerberosAttributes={"Realm": "R", "KdcAdminPassword": "p"}
    )
    assert "emr-6.15.0" in refusal(clusters, ReleaseLabel="emr-6.15.0")
    assert "is invalid: emr-7.99.0" in refusal(clusters, ReleaseLabel="emr-7.99.0")
    assert "Invalid InstanceProfile: nobody." in refusal(clusters, JobFlowRole="nobody")
    assert "Invalid ServiceRole: nobody." in refusal(clusters, ServiceRole="nobody")
    assert "no bucket" in refusal(clusters, LogUri="s3://there-is-none/")
    assert "capacity-scheduler" in refusal(
        clusters, Configurations=[{"Classification": "capacity-scheduler", "Properties": {}}]
    )
    assert "m99.huge" in refusal(
        clusters, Instances={"InstanceGroups": [group("MASTER", InstanceType="m99.huge")]}
    )
    assert "between 60 and 604800" in refusal(clusters, AutoTerminationPolicy={"IdleTimeout": 59})
    assert "subnet-1" in refusal(clusters, Instances={"Ec2SubnetId": "subnet-1"})


def test_an_unknown_cluster(clusters: Clusters) -> None:
    with pytest.raises(clusters.api.exceptions.InvalidRequestException) as fault:
        clusters.describe("j-NONE")
    assert fault.value.response["ErrorCode"] == "NoSuchCluster"
    with pytest.raises(ClientError, match="Specified job flow ID does not exist"):
        clusters.api.terminate_job_flows(JobFlowIds=["j-NONE"])


def test_calls_that_nobody_built_say_so(clusters: Clusters) -> None:
    with pytest.raises(ClientError) as refused:
        clusters.api.create_security_configuration(Name="it", SecurityConfiguration="{}")
    assert refused.value.response["Error"]["Code"] == "NotImplemented"
