"""What a study with stages in containers deploys, and the states of their jobs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from headrace.plan import Plan
from headrace.study import Batch, Spark
from infra.batch_definitions import ATTEMPTS, GRACE_S
from infra.batch_queues import MOST_VCPUS, most_vcpus
from infra.cluster_parameters import EMR_TAG
from infra.machine import machine
from infra.machine_batch import QUEUE_TIMEOUT_S
from infra.machine_task import Names, TaskNames
from tests.unit.infra_synth import (
    GOLDEN,
    Edge,
    Step,
    Synthesised,
    Template,
    corpus,
    hold,
    lint,
    strings,
    stripped,
    synthesise,
    walks,
)
from tests.unit.machine_walk import State, flat

BATCH = "arn:aws:states:::batch:submitJob.sync"
#: Batch on the spot market with twice the copies that a queue has vCPUs for.
WIDE = Batch("wide", "tasks/mpi/walks.py", "s3://{lake}/files/w/", Step, size=2 * MOST_VCPUS)


def names(plan: Plan) -> Names:
    found = {
        s.name: TaskNames(
            f"s3://a/{s.name}.zip", plan.job_definition(s.name), plan.job_queue(s.queue)
        )
        for s in plan.tasks
    }
    return Names("lake-bucket", programs=found)


@pytest.fixture(scope="module")
def document() -> State:
    plan = walks()
    return machine(plan, names(plan))


@pytest.fixture(scope="module")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    return synthesise(walks(), tmp_path_factory.mktemp("walks"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """With a cluster beside."""
    pairs = Spark("pairs", "emr_steps/graph.py", "s3://open-data/edges/", Edge)
    return synthesise(walks(pairs), tmp_path_factory.mktemp("mixed"))


def one(synthesised: Synthesised, kind: str, **like: Any) -> Template:
    """The properties of the one resource of a type that has these among its own."""
    found: list[Template] = [r["Properties"] for r in synthesised.of_type(kind)]
    found = [p for p in found if like.items() <= p.items()]
    assert len(found) == 1, (kind, like, found)
    return found[0]


def definition(synthesised: Synthesised, stage: str) -> Template:
    return one(
        synthesised, "AWS::Batch::JobDefinition", JobDefinitionName=f"headrace-walks-{stage}"
    )


def container(synthesised: Synthesised, stage: str) -> Template:
    told = definition(synthesised, stage)
    if "ContainerProperties" in told:
        found: Template = told["ContainerProperties"]
    else:
        found = told["NodeProperties"]["NodeRangeProperties"][0]["Container"]
    return found


def statements(synthesised: Synthesised, role: str) -> list[Template]:
    (policy,) = [
        r
        for name, r in synthesised.stacks["run"]["Resources"].items()
        if r["Type"] == "AWS::IAM::Policy" and name.startswith(role)
    ]
    found: list[Template] = policy["Properties"]["PolicyDocument"]["Statement"]
    return found


def resources_of(told: list[Template], action: str) -> list[str]:
    found = [s["Resource"] for s in told if action in strings(s["Action"])]
    lists = [r if isinstance(r, list) else [r] for r in found]
    return ["".join(strings(r)) for many in lists for r in many]


def ends(resources: list[str]) -> list[str]:
    """What a bucket's name is followed by."""
    return sorted(r.rpartition(":::")[2].partition("/")[2] for r in resources)


def test_the_machine_is_that_of_the_golden_file(document: State) -> None:
    hold(document, GOLDEN / "machine" / "walks.json")


def test_templates_are_those_of_the_golden_files(synthesised: Synthesised) -> None:
    hold(stripped(synthesised.stacks["run"]), GOLDEN / "templates" / "walks-run.json")


def test_cfn_lint_finds_nothing(synthesised: Synthesised, mixed: Synthesised) -> None:
    assert lint(synthesised.folder) == (0, "")
    assert lint(mixed.folder) == (0, "")


def test_an_interpreter_reads_it(document: State) -> None:
    _, tree = AmazonStateLanguageParser.parse(json.dumps(document))
    assert tree.getText().count('"ArrayProperties"') == 1


def test_states_are_those_of_the_contract(document: State) -> None:
    steps: dict[str, list[str]] = {}
    for name, _ in flat(document):
        stage, _, step = name.partition(": ")
        steps.setdefault(stage, []).append(step)
    first, last = ["prepare", "to do?"], ["passed over", "done", "failed"]
    assert steps["steps"] == [*first, "unload", "look", "job", "commit", *last]
    assert steps["far"] == [*first, "look", "job", "commit", *last]
    assert steps["copies"] == [*first, "unload", "look", "job", "commit", "one?", "array", *last]


def test_each_job_is_submitted_as_it_was_prepared(document: State) -> None:
    states = dict(flat(document))
    given = {
        "Command.$": "$.prepared.job.command",
        "Environment.$": "$.prepared.job.environment",
        "ResourceRequirements.$": "$.prepared.job.resources",
    }
    of = {"JobName.$": "$.prepared.job.name"}
    assert states["steps: job"]["Parameters"] == {
        **of,
        "JobQueue": "headrace-walks-fargate",
        "JobDefinition": "headrace-walks-steps",
        "ContainerOverrides": given,
    }
    every = {"TargetNodes": "0:", "ContainerOverrides": given}
    assert states["far: job"]["Parameters"] == {
        **of,
        "JobQueue": "headrace-walks-nodes",
        "JobDefinition": "headrace-walks-far",
        "NodeOverrides": {"NodePropertyOverrides": [every]},
    }
    alone, many = (states[f"copies: {step}"]["Parameters"] for step in ("job", "array"))
    assert many == alone | {"ArrayProperties": {"Size.$": "$.prepared.job.workers"}}
    for name in ("steps: job", "far: job", "copies: job", "copies: array"):
        state, stage = states[name], name.split(":")[0]
        assert state["Resource"] == BATCH
        assert (state["ResultPath"], state["ResultSelector"]) == (
            "$.done_job",
            {"JobId.$": "$.JobId"},
        )
        assert state["Next"] == f"{stage}: commit"
        assert [c["Next"] for c in state["Catch"]] == [f"{stage}: failed"]


def test_copies_are_an_array_where_there_are_many(document: State) -> None:
    states = dict(flat(document))
    assert states["copies: look"]["Next"] == "copies: one?"
    (many,) = states["copies: one?"]["Choices"]
    assert many == {
        "Variable": "$.prepared.job.workers",
        "NumericGreaterThan": 1,
        "Next": "copies: array",
    }
    assert states["copies: one?"]["Default"] == "copies: job"


def test_functions_are_told_of_the_program(document: State) -> None:
    told = {
        "archive": "s3://a/far.zip",
        "definition": "headrace-walks-far",
        "queue": "headrace-walks-nodes",
    }
    states = dict(flat(document))
    for step in ("prepare", "look"):
        assert states[f"far: {step}"]["Parameters"]["Payload"]["program"] == told
    assert states["far: prepare"]["ResultSelector"]["job.$"] == "$.Payload.job"


def test_a_state_waits_for_all_tries_of_all_copies() -> None:
    plan = walks(WIDE)
    states = dict(flat(machine(plan, names(plan))))
    once = ATTEMPTS * (3600 + GRACE_S)
    # 40 copies of 2 vCPUs, where a queue has 64, are two waves.
    assert states["copies: array"]["TimeoutSeconds"] == 2 * once + QUEUE_TIMEOUT_S
    assert states["wide: array"]["TimeoutSeconds"] == 2 * once + QUEUE_TIMEOUT_S
    assert states["steps: job"]["TimeoutSeconds"] == once + QUEUE_TIMEOUT_S


def test_only_what_can_help_is_tried_again(synthesised: Synthesised, document: State) -> None:
    for stage in ("steps", "far", "copies"):
        told = definition(synthesised, stage)["RetryStrategy"]
        assert told["Attempts"] == ATTEMPTS
        assert [set(rule) for rule in told["EvaluateOnExit"]] == [
            {"Action", "OnExitCode"},
            {"Action", "OnStatusReason"},
            {"Action", "OnStatusReason"},
        ]
        assert [list(rule.values()) for rule in told["EvaluateOnExit"]] == [
            ["RETRY", "75"],
            ["RETRY", "Host EC2*"],
            ["EXIT", "*"],
        ]
    (retry,) = dict(flat(document))["steps: job"]["Retry"]
    assert retry["ErrorEquals"] == ["Batch.ServerException", "Batch.AWSBatchException"]


def test_batch_ends_a_job_after_boot_does(synthesised: Synthesised) -> None:
    limits = {s: definition(synthesised, s)["Timeout"] for s in ("steps", "far")}
    assert limits["steps"] == {"AttemptDurationSeconds": 3660}
    assert limits["far"] == {"AttemptDurationSeconds": 660}


def test_containers_have_sizes_that_their_hosts_sell(synthesised: Synthesised) -> None:
    def needs(stage: str) -> dict[str, str]:
        told = container(synthesised, stage)["ResourceRequirements"]
        return {each["Type"]: each["Value"] for each in told}

    assert needs("steps") == {"VCPU": "4", "MEMORY": "8192"}  # of 3 ranks, on Fargate
    assert needs("far") == {"VCPU": "4", "MEMORY": "4096"}
    assert needs("copies") == {"VCPU": "2", "MEMORY": "2048"}


def test_only_fargate_has_what_only_it_takes(synthesised: Synthesised) -> None:
    fargate, ec2 = container(synthesised, "steps"), container(synthesised, "copies")
    assert fargate["NetworkConfiguration"] == {"AssignPublicIp": "ENABLED"}
    assert fargate["FargatePlatformConfiguration"] == {"PlatformVersion": "LATEST"}
    assert "LinuxParameters" not in fargate
    assert ec2["LinuxParameters"] == {"SharedMemorySize": 1024}
    assert not {"NetworkConfiguration", "FargatePlatformConfiguration"} & set(ec2)
    kinds = {s: definition(synthesised, s)["PlatformCapabilities"] for s in ("steps", "copies")}
    assert kinds == {"steps": ["FARGATE"], "copies": ["EC2"]}


def test_nodes_are_on_demand_and_the_rest_may_be_spot(synthesised: Synthesised) -> None:
    made = [r["Properties"] for r in synthesised.of_type("AWS::Batch::ComputeEnvironment")]
    told = {p["ComputeResources"]["Type"]: p["ComputeResources"] for p in made}
    assert set(told) == {"FARGATE", "SPOT", "EC2"}
    assert told["SPOT"]["AllocationStrategy"] == "SPOT_CAPACITY_OPTIMIZED"
    # https://docs.aws.amazon.com/batch/latest/userguide/mnp-ce.html
    assert len(told["EC2"]["Subnets"]) == 1
    assert {k: len(told[k]["Subnets"]) for k in ("FARGATE", "SPOT")} == {"FARGATE": 2, "SPOT": 2}
    # Fargate has no least; the others scale to none.
    assert {k: r.get("MinvCpus") for k, r in told.items()} == {
        "FARGATE": None,
        "SPOT": 0,
        "EC2": 0,
    }
    # Hosts are on the bill by their tags; a stack's own don't reach them.
    assert told["SPOT"]["Tags"] == {"project": "headrace", "study": "walks", "course": "soc101"}


def test_a_queue_is_as_wide_as_its_largest_job() -> None:
    assert most_vcpus(walks(), "nodes") == MOST_VCPUS
    assert most_vcpus(walks(nodes=30), "nodes") == 120
    # Copies come one after another.
    assert most_vcpus(walks(WIDE), "spot") == MOST_VCPUS


def test_hosts_go_before_their_way_out(synthesised: Synthesised) -> None:
    (route,) = [n for n, r in synthesised.resources.items() if r["Type"] == "AWS::EC2::Route"]
    for made in synthesised.of_type("AWS::Batch::ComputeEnvironment"):
        assert route in made["DependsOn"]


def test_the_group_lets_in_its_own_alone(synthesised: Synthesised) -> None:
    group = one(synthesised, "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    rule = one(synthesised, "AWS::EC2::SecurityGroupIngress")
    assert rule["GroupId"] == rule["SourceSecurityGroupId"]
    assert "CidrIp" not in rule


def test_a_job_reads_its_input_and_writes_a_try(synthesised: Synthesised) -> None:
    told = statements(synthesised, "JobsJobRights")
    writes = resources_of(told, "s3:PutObject")
    assert ends(writes) == [
        "runs/*/facts/*",
        "runs/*/failed.json",
        "runs/*/libraries.json",
        "runs/*/out/*",
    ]
    reads = ends(resources_of(told, "s3:GetObject"))
    archives = [r for r in reads if r.endswith(".zip")]
    assert len(archives) == 3
    assert sorted(set(reads) - set(archives)) == ["files/*", "runs/*", "walks/*"]
    assert not [s for s in told if "s3:DeleteObject" in strings(s["Action"])]
    (role,) = [
        r
        for n, r in synthesised.resources.items()
        if r["Type"] == "AWS::IAM::Role" and n.startswith("JobsJob")
    ]
    assert container(synthesised, "far")["JobRoleArn"]["Fn::GetAtt"][0].startswith("JobsJob")
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_the_machine_submits_the_studys_jobs_alone(synthesised: Synthesised) -> None:
    told = statements(synthesised, "MachineRights")
    (submit,) = [s for s in told if "batch:SubmitJob" in strings(s["Action"])]
    found = sorted("".join(strings(r)).rpartition(":job-")[2] for r in submit["Resource"])
    assert found == [
        "definition/headrace-walks-copies:*",
        "definition/headrace-walks-far:*",
        "definition/headrace-walks-steps:*",
        "queue/headrace-walks-fargate",
        "queue/headrace-walks-nodes",
        "queue/headrace-walks-spot",
    ]


def test_run_counts_what_jobs_read(synthesised: Synthesised) -> None:
    listed = resources_of(statements(synthesised, "RunRights"), "s3:ListBucket")
    assert [r for r in listed if r.endswith(":::open-data")]


def test_a_cluster_and_jobs_share_a_network(mixed: Synthesised, synthesised: Synthesised) -> None:
    (vpc,) = [n for n, r in mixed.resources.items() if r["Type"] == "AWS::EC2::VPC"]
    for group in mixed.of_type("AWS::EC2::SecurityGroup"):
        assert group["Properties"]["VpcId"] == {"Ref": vpc}
    assert len(mixed.of_type("AWS::EC2::SecurityGroup")) == 3
    # EMR may use what has its tag, and that is not the jobs' group.
    tagged = [
        n
        for n, r in mixed.resources.items()
        if r["Type"] == "AWS::EC2::SecurityGroup" and EMR_TAG[0] in strings(r["Properties"]["Tags"])
    ]
    assert sorted(n[:21] for n in tagged) == ["ClusterNetworkPrimary", "ClusterNetworkWorkers"]
    assert EMR_TAG[0] not in json.dumps(synthesised.stacks["run"])


def test_no_study_has_what_it_does_not_use(tmp_path_factory: pytest.TempPathFactory) -> None:
    without = synthesise(corpus(), tmp_path_factory.mktemp("without"))
    kinds = {r["Type"] for r in without.resources.values()}
    assert not {k for k in kinds if k.split("::")[1] in ("Batch", "ECR", "CodeBuild", "Image")}
    assert not [n for n in without.resources if n.startswith("Jobs")]
