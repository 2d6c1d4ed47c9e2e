"""What a study with a cluster deploys, and when the cluster is made and ended."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from headrace.graph import Node, Parallel, Series
from headrace.plan import Plan, plan_of
from headrace.study import Map, Spark, Study
from infra.cluster_parameters import EMR_TAG
from infra.machine import machine
from infra.machine_part import part_of, stages_of
from infra.machine_task import ClusterNames, Names, ProgramNames
from tests.unit.infra_synth import (
    GOLDEN,
    Page,
    Synthesised,
    Template,
    corpus,
    hold,
    lint,
    strings,
    stripped,
    survey,
    synthesise,
    weather,
)
from tests.unit.machine_walk import State, Walk, flat, graphs


def names(plan: Plan) -> Names:
    programs = {
        s.name: ProgramNames(f"s3://a/{s.name}.py", f"s3://a/{s.name}.zip", (), "python3.11")
        for s in plan.emr
    }
    cluster = ClusterNames("service", "profile", "subnet-1", "sg-1", "sg-2", "s3://a/gpus.sh")
    return Names("lake-bucket", cluster=cluster, programs=programs)


@pytest.fixture(scope="module")
def document() -> State:
    plan = corpus()
    return machine(plan, names(plan))


@pytest.fixture(scope="module")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    return synthesise(corpus(), tmp_path_factory.mktemp("cluster"))


def definition(synthesised: Synthesised) -> State:
    """The machine of a template, with what only a deploy knows written as it is named."""
    (made,) = synthesised.of_type("AWS::StepFunctions::StateMachine")
    parts = made["Properties"]["DefinitionString"]["Fn::Join"][1]
    texts = [p if isinstance(p, str) else ":".join(strings(p)) for p in parts]
    found: State = json.loads("".join(texts))
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


def test_the_machine_is_that_of_the_golden_file(document: State) -> None:
    hold(document, GOLDEN / "machine" / "corpus.json")


def test_templates_are_those_of_the_golden_files(synthesised: Synthesised) -> None:
    hold(stripped(synthesised.stacks["run"]), GOLDEN / "templates" / "corpus-run.json")


def test_cfn_lint_finds_nothing(synthesised: Synthesised) -> None:
    assert lint(synthesised.folder) == (0, "")


def test_an_interpreter_reads_it(document: State) -> None:
    _, tree = AmazonStateLanguageParser.parse(json.dumps(document))
    assert tree.getText().count('"TimeoutSeconds"') == json.dumps(document).count(
        '"TimeoutSeconds"'
    )


def test_states_are_those_of_the_contract(document: State) -> None:
    steps: dict[str, list[str]] = {}
    for name, _ in flat(document):
        stage, _, step = name.partition(": ")
        steps.setdefault(stage, []).append(step)
    ends = ["passed over", "done", "failed"]
    first = ["prepare", "to do?"]
    assert steps["tops"] == [*first, "unload", "look", "step 1", "step 2", "commit", *ends]
    assert steps["pairs"] == [*first, "look", "step 1", "commit", *ends]
    around = ["create", "created", "is one?", "terminate", "left", "told", "failed"]
    assert steps["cluster"] == [*first, *around]


def test_every_cluster_stages_steps_are_in_the_template(synthesised: Synthesised) -> None:
    states = dict(flat(definition(synthesised)))
    for stage in synthesised.plan.emr:
        told = stage.deployed()
        count = len(told.get("steps", "1"))
        for number in range(1, count + 1):
            state = states[f"{stage.name}: step {number}"]
            assert state["Resource"].endswith(":states:::elasticmapreduce:addStep.sync")
            step = state["Parameters"]["Step"]
            assert step["Name"] == f"{stage.name} {number}/{count} {stage.program}"
            assert step["HadoopJarStep"]["Args.$"] == f"$.prepared.steps[{number - 1}]"
            assert step["ActionOnFailure"] == "CONTINUE"
            assert state["TimeoutSeconds"] > told["timeout_s"]
        program = states[f"{stage.name}: prepare"]["Parameters"]["Payload"]["program"]
        assert program["file"].endswith(".py")
        assert program["archive"].endswith(".zip")
        assert len(program["jars"]) == len(told["jars"])
        assert program["python"] == "python3.11"
        assert states[f"{stage.name}: look"]["Parameters"]["Payload"]["program"] == program


def test_no_way_in_and_nothing_fetched_at_the_start(synthesised: Synthesised) -> None:
    text = json.dumps(synthesised.stacks["run"])
    for word in ("BootstrapActions", "Ec2KeyName", "KeyName", "AWS::EC2::KeyPair", "NatGateway"):
        assert word not in text
    for group in synthesised.of_type("AWS::EC2::SecurityGroup"):
        assert "SecurityGroupIngress" not in group["Properties"]
    rules = synthesised.of_type("AWS::EC2::SecurityGroupIngress")
    assert len(rules) == 12
    for rule in rules:
        assert "SourceSecurityGroupId" in rule["Properties"]
        assert not [name for name in rule["Properties"] if name.startswith("Cidr")]


def test_all_that_emr_may_use_has_the_tag_that_its_policy_wants(synthesised: Synthesised) -> None:
    tag = {"Key": EMR_TAG[0], "Value": EMR_TAG[1]}
    for kind in ("VPC", "Subnet", "SecurityGroup"):
        for made in synthesised.of_type(f"AWS::EC2::{kind}"):
            assert tag in made["Properties"]["Tags"]
    asked = dict(flat(definition(synthesised)))["cluster: create"]["Parameters"]
    assert tag in asked["Tags"]
    # By it the machine's rights know a study's own clusters, so no study's tag replaces it.
    assert {"Key": "study", "Value": "corpus"} in asked["Tags"]
    keys = [t["Key"] for t in asked["Tags"]]
    assert len(keys) == len(set(keys))


def test_the_cluster_ends_by_itself_and_grows_on_the_spot_market(document: State) -> None:
    asked = dict(flat(document))["cluster: create"]["Parameters"]
    assert asked["AutoTerminationPolicy"] == {"IdleTimeout": 600}
    assert asked["Instances"]["KeepJobFlowAliveWhenNoSteps"] is True
    assert asked["Instances"]["TerminationProtected"] is False
    groups = {g["InstanceRole"]: g for g in asked["Instances"]["InstanceGroups"]}
    assert [(g["Market"], g["InstanceCount"]) for g in groups.values()] == [
        ("ON_DEMAND", 1),
        ("ON_DEMAND", 2),
        ("SPOT", 1),
    ]
    limits = asked["ManagedScalingPolicy"]["ComputeLimits"]
    assert (limits["MinimumCapacityUnits"], limits["MaximumCapacityUnits"]) == (2, 5)
    assert limits["MaximumOnDemandCapacityUnits"] == limits["MaximumCoreCapacityUnits"] == 2
    (volume,) = groups["CORE"]["EbsConfiguration"]["EbsBlockDeviceConfigs"]
    assert volume["VolumeSpecification"]["SizeInGB.$"] == "$.cluster.ebs_gib"


def test_gpus_are_one_switch() -> None:
    plan = corpus(gpu=True)
    asked = dict(flat(machine(plan, names(plan))))["cluster: create"]["Parameters"]
    types = [g["InstanceType"] for g in asked["Instances"]["InstanceGroups"]]
    assert types == ["m6i.xlarge", "g4dn.xlarge", "g4dn.xlarge"]
    (script,) = asked["BootstrapActions"]
    assert script["ScriptBootstrapAction"]["Path"] == "s3://a/gpus.sh"
    told = {c["Classification"]: c["Properties"] for c in asked["Configurations"]}
    assert told["spark-defaults"]["spark.plugins"] == "com.nvidia.spark.SQLPlugin"


def test_nodes_read_their_programs_and_write_their_tries(synthesised: Synthesised) -> None:
    told = statements(synthesised, "ClusterNodes")
    read = resources_of(told, "s3:GetObject")
    programs = [r for r in read if "cdk-hnb659fds-assets" in r]
    assert len(programs) == 5  # two files, two archives, a jar
    assert not [r for r in programs if "*" in r]
    others = [r.split("/", 1)[1] for r in read if r not in programs]
    assert sorted(others) == ["edges/*", "files/*", "runs/*"]
    written = [r.split("/", 1)[1] for r in resources_of(told, "s3:PutObject")]
    assert [w for w in written if w.startswith("runs/")] == written[:-1]
    assert written[-1] == "emr-logs/*"
    assert "runs/*" not in written
    assert not [s for s in told if any(a.startswith("glue:") for a in strings(s["Action"]))]


def test_the_machine_hands_two_roles_on_and_knows_its_studys_clusters(
    synthesised: Synthesised,
) -> None:
    told = statements(synthesised, "Machine")
    passed = [s for s in told if "iam:PassRole" in strings(s["Action"])]
    to = [s["Condition"]["StringLike"]["iam:PassedToService"] for s in passed]
    assert to == ["elasticmapreduce.amazonaws.com*", "ec2.amazonaws.com*"]
    assert not [s for s in passed if "*" in "".join(strings(s["Resource"]))]
    emr = [s for s in told if "elasticmapreduce:" in "".join(strings(s["Action"]))]
    assert [s["Condition"]["StringEquals"] for s in emr] == [
        {"elasticmapreduce:RequestTag/study": "corpus"},
        {"elasticmapreduce:ResourceTag/study": "corpus"},
    ]


def test_the_instances_role_is_the_instances_alone(synthesised: Synthesised) -> None:
    (profile,) = synthesised.of_type("AWS::IAM::InstanceProfile")
    (role,) = profile["Properties"]["Roles"]
    trust = synthesised.resources[role["Ref"]]["Properties"]["AssumeRolePolicyDocument"]
    assert strings(trust["Statement"][0]["Principal"]) == ["ec2.amazonaws.com"]


def test_logs_of_clusters_expire(synthesised: Synthesised) -> None:
    (bucket,) = synthesised.of_type("AWS::S3::Bucket")
    rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert [r["ExpirationInDays"] for r in rules if r.get("Prefix") == "emr-logs/"] == [30]


@pytest.mark.parametrize("study", [survey, weather])
def test_what_needs_no_cluster_has_nothing_of_it(study: Any, tmp_path: Any) -> None:
    made = synthesise(study(), tmp_path)
    text = json.dumps(made.stacks)
    for word in ("AWS::EC2::", "elasticmapreduce", "emr-logs", "InstanceProfile"):
        assert word not in text


@pytest.mark.parametrize(
    ("order", "wanted", "part", "again"),
    [
        ("a", "a", "a", "a"),
        (Series(("a", "b", "c")), "b", "b", Series(("a", "b", "c"))),
        (
            Series(("a", "b", "c", "d")),
            "bc",
            Series(("b", "c")),
            Series(("a", Series(("b", "c")), "d")),
        ),
        (
            Parallel(("a", "b", "c")),
            "ac",
            Parallel(("a", "c")),
            Parallel((Parallel(("a", "c")), "b")),
        ),
        (
            Series(("a", Parallel((Series(("b", "c")), "d")))),
            "c",
            "c",
            Series(("a", Parallel((Series(("b", "c")), "d")))),
        ),
        (
            Series((Parallel(("a", "b")), "c", "d")),
            "ac",
            Series((Parallel(("a", "b")), "c")),
            Series((Series((Parallel(("a", "b")), "c")), "d")),
        ),
    ],
)
def test_the_part_is_the_smallest_that_holds_them(
    order: Node, wanted: str, part: Node, again: Node
) -> None:
    assert part_of(order, frozenset(wanted)) == (again, part)


def mixed(needs: dict[str, set[str]], clustered: set[str]) -> Plan:
    """A study whose stages read others' tables, some of them on a cluster."""
    stages: list[Map | Spark] = []
    for name, others in needs.items():
        sql = "SELECT 1 AS n" + (" FROM " + " CROSS JOIN ".join(sorted(others)) if others else "")
        if name in clustered:
            stages.append(Spark(name, "emr_steps/graph.py", sql, Page))
        else:
            stages.append(Map(name, "a.b:c", sql, Page))
    return plan_of(Study("graph", "?", stages=stages))


@settings(max_examples=80, deadline=None)
@given(graphs(), st.data())
def test_whatever_fails_a_cluster_that_was_made_is_ended_once(
    needs: dict[str, set[str]], data: st.DataObject
) -> None:
    every = sorted(needs)
    clustered = data.draw(st.sets(st.sampled_from(every), min_size=1))
    failing = data.draw(st.sets(st.sampled_from(every)))
    lost = data.draw(st.sampled_from([frozenset[str](), frozenset({"cluster: create"})]))
    plan = mixed(needs, clustered)
    written = machine(plan, names(plan))
    all_names = [name for name, _ in flat(written)]
    assert len(all_names) == len(set(all_names))
    walk = Walk(failing, lost)
    end = walk.run(written, {})
    steps = [h for h in walk.happened if not h.startswith("cluster: ")]
    around = [h for h in walk.happened if h.startswith("cluster: ")]
    if "cluster: create" in lost or not around:
        assert around in ([], ["cluster: create"])
        assert not steps
    else:
        assert around == ["cluster: create", "cluster: terminate"]
        made, ended = (walk.happened.index(h) for h in around)
        assert [made < walk.happened.index(s) < ended for s in steps] == [True] * len(steps)
    # What runs, runs after what it needs, as without a cluster.
    for i, name in enumerate(walk.ended):
        assert needs[name] <= set(walk.ended[:i])
    assert not failing & set(walk.ended)
    assert end["type"] == ("Fail" if end["failed"] else "Succeed")
    if not failing and not lost:
        assert sorted(walk.ended) == every
    first = part_of(plan.order, frozenset(clustered))[1]
    if around == ["cluster: create"]:
        assert [f["stage"] for f in end["failed"] if f["stage"] in clustered]
        assert not set(stages_of(first)) & set(walk.ended)


def test_no_cluster_is_made_where_all_is_done(document: State) -> None:
    walk = Walk(set(), todo=False)
    with pytest.raises(AssertionError):  # `Walk` runs stages whatever is done: one has no cluster
        walk.run(document, {})
    assert "cluster: create" not in walk.happened


def test_a_cluster_that_cannot_be_ended_is_told(document: State) -> None:
    end = Walk(set(), frozenset({"cluster: terminate"})).run(document, {})
    assert end["type"] == "Fail"
    assert [f["stage"] for f in end["failed"]] == ["tops"]


def test_what_failed_before_a_cluster_that_cannot_be_ended_is_told_too(document: State) -> None:
    end = Walk({"pairs"}, frozenset({"cluster: terminate"})).run(document, {})
    assert sorted(f["stage"] for f in end["failed"]) == ["pairs", "tops"]
