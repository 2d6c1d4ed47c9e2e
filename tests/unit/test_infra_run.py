"""What the run stack says, and the data stack of a study that only computes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from headrace import target
from headrace.plan import plan_of
from headrace.study import Map, Study
from infra.app import build, feature_flags
from infra.machine import machine
from infra.machine_task import Names
from infra.rights import REASONS
from infra.run_rights import RunRights
from tests.unit.infra_synth import (
    GOLDEN,
    Page,
    Synthesised,
    Template,
    Zips,
    hold,
    lint,
    strings,
    stripped,
    survey,
    synthesise,
)


@pytest.fixture(scope="module")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    return synthesise(survey(), tmp_path_factory.mktemp("run"))


def rights(synthesised: Synthesised, role: str) -> dict[str, list[str]]:
    """Resources by action of the one policy whose logical id begins so."""
    found = [
        r
        for name, r in synthesised.stacks["run"]["Resources"].items()
        if r["Type"] == "AWS::IAM::Policy" and name.startswith(role)
    ]
    (policy,) = found
    told: dict[str, list[str]] = {}
    for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
        assert statement["Effect"] == "Allow"
        actions = statement["Action"]
        resources = statement["Resource"]
        for action in [actions] if isinstance(actions, str) else actions:
            for resource in resources if isinstance(resources, list) else [resources]:
                told.setdefault(action, []).append("".join(strings(resource)))
    return told


@pytest.mark.parametrize("stack", ["data", "run"])
def test_templates_are_those_of_the_golden_files(synthesised: Synthesised, stack: str) -> None:
    hold(stripped(synthesised.stacks[stack]), GOLDEN / "templates" / f"survey-{stack}.json")


def test_cfn_lint_finds_nothing(synthesised: Synthesised) -> None:
    assert lint(synthesised.folder) == (0, "")


def test_a_study_without_a_stream_has_no_flow_stack(synthesised: Synthesised) -> None:
    assert set(synthesised.stacks) == {"data", "run"}
    assert not [r for r in synthesised.resources.values() if "Kinesis" in r["Type"]]


def test_the_run_comes_after_the_data_and_holds_none_of_it(synthesised: Synthesised) -> None:
    plan = synthesised.plan
    assert plan.data_stack in synthesised.manifest[plan.run_stack]["dependencies"]
    assert "Fn::ImportValue" not in json.dumps(synthesised.stacks["run"])
    kept = [r for r in synthesised.stacks["run"]["Resources"].values() if "Retain" in str(r)]
    assert kept == []


def test_each_map_stage_has_a_function_of_its_own(synthesised: Synthesised) -> None:
    plan = synthesised.plan
    functions = {
        f["Properties"]["FunctionName"]: f["Properties"]
        for f in synthesised.of_type("AWS::Lambda::Function")
    }
    made = [plan.function(f) for f in ("table", "run", "register")]
    assert set(functions) == {*made, *(plan.map_function(s.name) for s in plan.maps)}
    odd = functions["headrace-survey-map-outliers"]
    assert (odd["MemorySize"], odd["Timeout"]) == (512, 60)
    assert odd["Handler"] == "lambdas.map.handler.handle"
    assert odd["Environment"]["Variables"]["STAGE"] == "outliers"
    pages = functions["headrace-survey-map-pages"]
    assert odd["Code"] != pages["Code"]
    logs = {r["Properties"]["LogGroupName"] for r in synthesised.of_type("AWS::Logs::LogGroup")}
    assert logs == {f"/aws/lambda/{name}" for name in functions}


def test_a_function_without_a_lock_has_no_layer(synthesised: Synthesised) -> None:
    functions = [f["Properties"] for f in synthesised.of_type("AWS::Lambda::Function")]
    without = [f["FunctionName"] for f in functions if "Layers" not in f]
    assert without == [synthesised.plan.function("run")]


def test_the_machine_is_the_document_with_the_bucket_in_it(synthesised: Synthesised) -> None:
    (made,) = synthesised.of_type("AWS::StepFunctions::StateMachine")
    assert made["Properties"]["StateMachineName"] == synthesised.plan.machine
    assert made["Properties"]["StateMachineType"] == "STANDARD"
    names = {"AWS::AccountId": "1", "AWS::Region": "eu-west-1", "AWS::Partition": "aws"}
    text = "".join(
        part if isinstance(part, str) else names[part["Ref"]]
        for part in made["Properties"]["DefinitionString"]["Fn::Join"][1]
    )
    bucket = synthesised.plan.bucket("1", "eu-west-1")
    assert json.loads(text) == machine(synthesised.plan, Names(bucket))


def test_the_machines_arn_is_an_output_and_its_failures_ring(synthesised: Synthesised) -> None:
    (output,) = synthesised.stacks["run"]["Outputs"].items()
    assert output[0] == "MachineArn"
    (alarm,) = synthesised.of_type("AWS::CloudWatch::Alarm")
    told = alarm["Properties"]
    assert (told["Namespace"], told["MetricName"]) == ("AWS/States", "ExecutionsFailed")
    assert told["Dimensions"] == [{"Name": "StateMachineArn", "Value": output[1]["Value"]}]
    assert told["TreatMissingData"] == "notBreaching"


def test_the_machine_may_call_its_functions_and_no_other(synthesised: Synthesised) -> None:
    told = rights(synthesised, "Machine")
    assert len(told["lambda:InvokeFunction"]) == 4
    assert not [r for r in told["lambda:InvokeFunction"] if "*" in r]
    (started,) = told["states:StartExecution"]
    assert started.endswith(":stateMachine:headrace-survey-run")
    stopped = [arn.split(":execution:")[1] for arn in told["states:StopExecution"]]
    name = "headrace-survey-run"
    assert stopped == [f"{name}/*", f"{name}:*"]


def test_athena_reads_for_the_machine_what_stages_ask_for(synthesised: Synthesised) -> None:
    told = rights(synthesised, "Machine")
    assert [r.split(":::")[1] for r in told["s3:GetObject"] if "open-data" in r] == [
        "open-data/stations/2026/*"
    ]
    assert [r for r in told["glue:GetTable"] if r.endswith(":table/survey/stations")]
    assert not [r for r in told["s3:PutObject"] if not r.endswith(("/runs/*", "/athena/*"))]
    assert "glue:UpdateTable" not in told


def test_a_map_reads_what_its_stage_names_and_writes_its_run(synthesised: Synthesised) -> None:
    odd, pages = (rights(synthesised, f"Map{stage}") for stage in ("outliers", "pages"))
    for told in (odd, pages):
        assert [r.rsplit("/", 2)[1] for r in told["s3:PutObject"]] == ["runs"]
        assert not [action for action in told if action.startswith(("glue:", "athena:"))]
    assert [r for r in odd["s3:GetObject"] if r.endswith(":::open-data/readings/*")]
    assert [r for r in odd["s3:ListBucket"] if r.endswith(":::open-data")]
    # Its items are users' files in the lake, which every map may read.
    assert sorted(r.rsplit("/", 2)[1] for r in pages["s3:GetObject"]) == ["files", "runs"]


def test_only_register_writes_tables(synthesised: Synthesised) -> None:
    for role in ("Run", "Mapoutliers", "Mappages", "Machine"):
        told = rights(synthesised, role)
        assert "glue:UpdateTable" not in told
        assert not [r for r in told.get("s3:PutObject", ()) if r.endswith("/tables/*")]
    told = rights(synthesised, "Register")
    assert len([r for r in told["glue:UpdateTable"] if ":table/" in r]) == 4
    assert [r for r in told["s3:PutObject"] if r.endswith("/tables/*")]


def test_wildcards_stand_after_prefixes_and_own_executions_only(synthesised: Synthesised) -> None:
    # What a notebook's functions may do is tested with the executor.
    ends = tuple(f"/{prefix}/*" for prefix in (*REASONS, "readings", "stations/2026", "lithops"))
    ends += ("lithops_v*_layer", "lithops-worker-*", "layer_builder_512MB*")
    for policy in synthesised.of_type("AWS::IAM::Policy"):
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            for text in strings(statement["Action"]):
                assert "*" not in text
            for text in strings(statement["Resource"]):
                own = ":execution:headrace-survey-run"
                assert "*" not in text or text.endswith((*ends, f"{own}:*", f"{own}/*"))


def test_a_table_of_others_is_known_and_not_kept(synthesised: Synthesised) -> None:
    (table,) = synthesised.of_type("AWS::Glue::Table")
    told = table["Properties"]["TableInput"]
    assert (told["Name"], told["TableType"]) == ("stations", "EXTERNAL_TABLE")
    storage = told["StorageDescriptor"]
    assert storage["Location"] == "s3://open-data/stations/2026/"
    assert [(c["Name"], c["Type"]) for c in storage["Columns"]] == [
        ("station", "string"),
        ("celsius", "double"),
    ]
    assert table["DeletionPolicy"] == "Delete"


def test_every_stages_table_is_made_by_the_data_stack(synthesised: Synthesised) -> None:
    tables = {r["Properties"]["Table"]: r for r in synthesised.of_type("Custom::IcebergTable")}
    assert list(tables) == ["outliers", "pages", "runs", "quarantine"]

    def columns(table: str) -> list[str]:
        told: list[Template] = tables[table]["Properties"]["Columns"]
        return [column["Name"] for column in told]

    assert columns("pages") == ["url", "fetched", "_item"]
    assert "_source" not in columns("runs")


@pytest.mark.parametrize(
    ("reads", "items", "places"),
    [
        (["s3://a/b/", "s3://a/c/"], "s3://{lake}/files/x/", ["a/b/", "a/c/"]),
        (["s3://a/b/"], "s3://a/b/", ["a/b/"]),
        ([], "s3://a/", ["a/"]),
        (["s3://{lake}/raw/"], "s3://{lake}/runs/r/s/", ["lake/raw/"]),
    ],
)
def test_what_a_stage_reads_beside_the_lakes_files_is_named_once(
    reads: list[str], items: str, places: list[str]
) -> None:
    plan = plan_of(Study("s", "?", stages=[Map("m", "a.b:c", items, Page, reads=reads)]))
    found = RunRights(plan, "lake").places(plan.stages[0])
    assert sorted(f"{p.bucket}/{p.prefix}" for p in found) == places


def test_a_named_account_is_as_clean_as_an_agnostic_one(tmp_path: Path) -> None:
    app = cdk.App(context=feature_flags(), outdir=str(tmp_path / "out"))
    env = cdk.Environment(account="123456789012", region="eu-west-1")
    build(app, survey(), target.aws(), Zips(tmp_path), env=env)
    app.synth()
    assert lint(tmp_path / "out") == (0, "")


def resolved(value: Any) -> Any:
    """A template's value as it is in a region with a long name."""
    names = {"AWS::Partition": "aws", "AWS::Region": "ap-southeast-1", "AWS::AccountId": "1" * 12}
    if isinstance(value, list):
        return [resolved(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" in value:
        return "".join(resolved(value["Fn::Join"][1]))
    if "Fn::GetAtt" in value:
        function = f"headrace-a-study-of-twenty-map-{value['Fn::GetAtt'][0]}"
        return resolved({"Fn::Join": ["", ["arn:aws:lambda:", {"Ref": "AWS::Region"}, function]]})
    return (
        names[value["Ref"]]
        if value.keys() == {"Ref"}
        else {k: resolved(each) for k, each in value.items()}
    )


def test_the_rights_of_a_machine_of_thirty_stages_fit_into_a_role(tmp_path: Path) -> None:
    """A role's inline policies have at most 10,240 characters together.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    stages = [Map(f"stage_{i}", "a.b:c", "SELECT 1 AS n", Page) for i in range(30)]
    made = synthesise(plan_of(Study("a-study-of-twenty", "?", stages=stages)), tmp_path)
    (policy,) = (r for n, r in made.resources.items() if n.startswith("MachineRights"))
    document = resolved(policy["Properties"]["PolicyDocument"])
    assert len(json.dumps(document, separators=(",", ":"))) < 10_240
