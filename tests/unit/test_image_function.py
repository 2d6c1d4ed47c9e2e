"""The image function: builds what isn't there, waits, and answers CloudFormation either way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from lambdas.image.build import Builder
from lambdas.image.handler import answer

URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/headrace-walks-mpi:0123456789abcdef"
LOGS = {"groupName": "/headrace/walks/builds", "streamName": "7c1d"}
EVENT: dict[str, Any] = {
    "RequestType": "Create",
    "RequestId": "a-request",
    "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/headrace-walks-run/5b9",
    "LogicalResourceId": "MpiImage",
    "ResourceProperties": {
        "Project": "builds",
        "Repository": "headrace-walks-mpi",
        "Tag": "0123456789abcdef",
        "Uri": URI,
        "Dockerfile": "mpi/Dockerfile",
    },
}


class Clock:
    """Time that passes where somebody sleeps."""

    def __init__(self) -> None:
        self.s = 0.0

    def sleep(self, seconds: float) -> None:
        self.s += seconds

    def now(self) -> float:
        return self.s


@pytest.fixture
def ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("ecr", "us-east-1")
        client.create_repository(repositoryName="headrace-walks-mpi")
        yield client


def push(ecr: Any) -> None:
    media = "application/vnd.docker.distribution.manifest.v2+json"
    config = {"digest": "sha256:" + 64 * "0", "size": 1, "mediaType": "application/json"}
    manifest = {"schemaVersion": 2, "mediaType": media, "config": config, "layers": []}
    ecr.put_image(
        repositoryName="headrace-walks-mpi",
        imageManifest=json.dumps(manifest),
        imageTag="0123456789abcdef",
    )


def phase(name: str, status: str, message: str = "") -> dict[str, Any]:
    contexts = [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": message}] if message else []
    return {"phaseType": name, "phaseStatus": status, "contexts": contexts}


def answered(ecr: Any, *builds: dict[str, Any], **told: Any) -> tuple[dict[str, Any], Clock]:
    """Answer where CodeBuild tells one of `builds` at each look, and the clock afterwards."""
    clock, codebuild = Clock(), boto3.client("codebuild", "us-east-1")
    stub = Stubber(codebuild)
    started = {
        "projectName": "builds",
        "idempotencyToken": "a-request",
        "environmentVariablesOverride": [
            {"name": "IMAGE", "value": URI, "type": "PLAINTEXT"},
            {"name": "DOCKERFILE", "value": "mpi/Dockerfile", "type": "PLAINTEXT"},
        ],
    }
    stub.add_response("start_build", {"build": {"id": "builds:7c1d"}}, started)
    for build in builds:
        whole = {"id": "builds:7c1d", "logs": LOGS} | build
        stub.add_response("batch_get_builds", {"builds": [whole]}, {"ids": ["builds:7c1d"]})
    if told.pop("stops", False):
        stub.add_response("stop_build", {}, {"id": "builds:7c1d"})
    with stub:
        found = answer(EVENT, Builder(codebuild, ecr, clock.sleep, clock.now), 60.0)
        stub.assert_no_pending_responses()
    return found, clock


def test_an_image_is_built_and_looked_for(ecr: Any) -> None:
    """By moto's own CodeBuild; what the build would do happens as it is first looked at."""
    codebuild = boto3.client("codebuild", "us-east-1")
    codebuild.create_project(
        name="builds",
        source={"type": "S3", "location": "a/b.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole="arn:aws:iam::123456789012:role/builds",
    )
    codebuild.meta.events.register(
        "after-call.codebuild.BatchGetBuilds", lambda **_: push(ecr), unique_id="push"
    )
    builder = Builder(codebuild, ecr, Clock().sleep)
    told = answer(EVENT, builder, 60.0)
    assert told == {
        "PhysicalResourceId": URI,
        "StackId": EVENT["StackId"],
        "RequestId": "a-request",
        "LogicalResourceId": "MpiImage",
        "Status": "SUCCESS",
        "Data": {"Uri": URI, "Built": "true"},
    }
    assert len(codebuild.list_builds_for_project(projectName="builds")["ids"]) == 1
    # Another deploy finds it there.
    again = answer(EVENT | {"RequestType": "Update"}, builder, 60.0)
    assert again["Data"] == {"Uri": URI, "Built": "false"}
    assert len(codebuild.list_builds_for_project(projectName="builds")["ids"]) == 1


def test_it_waits_for_the_build(ecr: Any) -> None:
    failed = {"buildStatus": "FAILED", "phases": [phase("BUILD", "FAILED", "exit status 1")]}
    _, clock = answered(ecr, *3 * [{"buildStatus": "IN_PROGRESS"}], failed)
    assert clock.s == 0.25 + 0.5 + 1


def test_a_failed_build_is_told_with_its_phase_and_log(ecr: Any) -> None:
    message = "Error while executing command: docker build. Reason: exit status 1"
    phases = [
        phase("PRE_BUILD", "SUCCEEDED"),
        phase("BUILD", "FAILED", message),
        phase("POST_BUILD", "FAILED", "later"),
    ]
    told, _ = answered(ecr, {"buildStatus": "FAILED", "phases": phases})
    assert told["Status"] == "FAILED"
    assert told["PhysicalResourceId"] == URI
    assert f"found phase BUILD FAILED: {message}." in told["Reason"]
    assert "log group /headrace/walks/builds, stream 7c1d" in told["Reason"]
    assert "Data" not in told


def test_a_build_that_never_began_has_no_log(ecr: Any) -> None:
    phases = [phase("SUBMITTED", "SUCCEEDED"), phase("QUEUED", "TIMED_OUT")]
    told, _ = answered(ecr, {"buildStatus": "TIMED_OUT", "phases": phases, "logs": {}})
    assert "phase QUEUED TIMED_OUT: no reason given" in told["Reason"]
    assert "build builds:7c1d, which came to no log" in told["Reason"]


def test_a_build_that_pushed_nothing_is_no_success(ecr: Any) -> None:
    told, _ = answered(ecr, {"buildStatus": "SUCCEEDED"})
    assert told["Status"] == "FAILED"
    assert "its build succeeded and pushed none" in told["Reason"]


def test_a_build_that_takes_too_long_is_stopped(ecr: Any) -> None:
    going = {"buildStatus": "IN_PROGRESS", "currentPhase": "BUILD"}
    told, clock = answered(ecr, *13 * [going], stops=True)
    assert 60 <= clock.s < 68  # looks are 8 s apart by then
    assert told["Status"] == "FAILED"
    assert "found it in phase BUILD after 60 s, and stopped it" in told["Reason"]


def test_a_missing_repository_is_told(ecr: Any) -> None:
    ecr.delete_repository(repositoryName="headrace-walks-mpi")
    codebuild = boto3.client("codebuild", "us-east-1")
    told = answer(EVENT, Builder(codebuild, ecr), 60.0)
    assert told["Status"] == "FAILED"
    assert told["Reason"].startswith("RepositoryNotFoundException")


def test_a_deleted_image_is_left_to_its_repository(ecr: Any) -> None:
    push(ecr)
    event = EVENT | {"RequestType": "Delete", "PhysicalResourceId": "an-older-one"}
    told = answer(event, Builder(boto3.client("codebuild", "us-east-1"), ecr), 60.0)
    assert (told["Status"], told["PhysicalResourceId"]) == ("SUCCESS", "an-older-one")
    assert ecr.list_images(repositoryName="headrace-walks-mpi")["imageIds"]


def test_a_reason_fits_into_an_answer(ecr: Any) -> None:
    phases = [phase("BUILD", "FAILED", 9000 * "x")]
    told, _ = answered(ecr, {"buildStatus": "FAILED", "phases": phases})
    assert len(json.dumps(told)) < 4096
    # The log's name is not what is cut off.
    assert "stream 7c1d" in told["Reason"]


def test_whatever_is_asked_is_answered() -> None:
    for event in ({}, {"RequestType": "Delete"}, {"RequestType": "Create"}):
        told = answer(event, Builder(None, None), 60.0)
        assert told["Status"] == "FAILED"
        assert told["PhysicalResourceId"]
