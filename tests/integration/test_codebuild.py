"""CodeBuild: builds whose commands really run, and an image of the house built and pushed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.engines import images

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    "type": "LINUX_CONTAINER",
    "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
    "computeType": "BUILD_GENERAL1_MEDIUM",
    "privilegedMode": True,
}
PUSH = {
    "version": "0.2",
    "phases": {
        "pre_build": {
            "commands": [
                "aws ecr get-login-password | "
                'docker login --username AWS --password-stdin "${IMAGE%%/*}"'
            ]
        },
        "build": {
            "commands": [
                'docker build -f "$DOCKERFILE" -t "$IMAGE" .',
                'docker push "$IMAGE"',
            ]
        },
    },
}


def spec(**phases: list[str]) -> str:
    told = {name: {"commands": lines} for name, lines in phases.items()}
    return json.dumps({"version": 0.2, "phases": told}, indent=1)


def zipped(folder: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(folder))
    return out.getvalue()


Make = Callable[..., str]


@pytest.fixture
def role(cloud: Any) -> str:
    iam, name = cloud.client("iam"), f"builds-{uuid.uuid4().hex[:8]}"
    return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"])


@pytest.fixture
def project(cloud: Any, role: str) -> Make:
    def make(buildspec: str = "", **more: Any) -> str:
        name = f"p{uuid.uuid4().hex[:10]}"
        source = {"type": "NO_SOURCE", "buildspec": buildspec or spec(build=["true"])}
        words = {
            "source": source,
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": ENVIRONMENT,
            "serviceRole": role,
            **more,
        }
        cloud.client("codebuild").create_project(name=name, **words)
        return name

    return make


@pytest.fixture
def bucket(cloud: Any) -> str:
    name = f"sources-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def ended(cloud: Any, build: dict[str, Any], limit_s: float = 120) -> dict[str, Any]:
    client, deadline = cloud.client("codebuild"), time.monotonic() + limit_s
    while True:
        (found,) = client.batch_get_builds(ids=[build["id"]])["builds"]
        if found["buildComplete"]:
            return dict(found)
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def run(cloud: Any, project: str, **words: Any) -> dict[str, Any]:
    return ended(
        cloud, cloud.client("codebuild").start_build(projectName=project, **words)["build"]
    )


def phases(build: dict[str, Any]) -> dict[str, str]:
    return {each["phaseType"]: each.get("phaseStatus", "") for each in build["phases"]}


def context(build: dict[str, Any], phase: str) -> tuple[str, str]:
    (found,) = [each for each in build["phases"] if each["phaseType"] == phase]
    (told,) = found["contexts"]
    return told["statusCode"], told["message"]


def log(cloud: Any, build: dict[str, Any]) -> list[str]:
    where = build["logs"]
    told = cloud.client("logs").get_log_events(
        logGroupName=where["groupName"], logStreamName=where["streamName"], startFromHead=True
    )
    return [event["message"].rstrip("\n") for event in told["events"]]


def printed(cloud: Any, build: dict[str, Any]) -> list[str]:
    return [line for line in log(cloud, build) if not line.startswith("[Container]")]


def variables(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def test_an_image_is_built_pushed_and_found(
    cloud: Any, project: Make, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecr, name = cloud.client("ecr"), f"headrace-{uuid.uuid4().hex[:8]}-mpi"
    made = ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    image = f"{made['repository']['repositoryUri']}:0123456789abcdef"
    cloud.client("s3").put_object(Bucket=bucket, Key="a/b.zip", Body=zipped(ROOT / "tasks"))
    source = {"type": "S3", "location": f"{bucket}/a/b.zip", "buildspec": json.dumps(PUSH)}
    logs = {"cloudWatchLogs": {"status": "ENABLED", "groupName": "/tested/builds"}}
    of = project(source=source, logsConfig=logs)
    words = variables(IMAGE=image, DOCKERFILE="mpi/Dockerfile")
    build = run(cloud, of, environmentVariablesOverride=words)
    assert build["buildStatus"] == "SUCCEEDED", log(cloud, build)
    assert list(phases(build)) == [
        "SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD",
        "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED",
    ]  # fmt: skip
    assert build["logs"]["groupName"] == "/tested/builds"
    assert any("stands for public.ecr.aws/docker/library/python" in m for m in log(cloud, build))
    tag = {"imageTag": "0123456789abcdef"}
    (there,) = ecr.describe_images(repositoryName=name, imageIds=[tag])["imageDetails"]
    (got,) = ecr.batch_get_image(repositoryName=name, imageIds=[tag])["images"]
    manifest = json.loads(got["imageManifest"])
    sizes = [each["size"] for each in [*manifest["layers"], manifest["config"]]]
    assert there["imageSizeInBytes"] == sum(sizes)

    monkeypatch.setenv(
        "LOCALCLOUD_IMAGES", os.environ.get("LOCALCLOUD_IMAGES", str(ROOT / ".cache/images"))
    )
    found = images.find(Cloud(int(cloud.endpoint.rpartition(":")[2]), cloud.data), image)
    assert found.entrypoint == ("python", "-m", "boot")
    assert found.digest == there["imageDigest"]
    assert (found.workdir / "boot" / "__init__.py").is_file()
    code = "import mpi4py, numpy, pyarrow, sys; print(sys.prefix)"
    told = subprocess.run(
        ["python", "-c", code], cwd=found.workdir, env=dict(found.environment),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == str(found.python.parents[1])
    assert str(ROOT / ".venv") not in told.stdout

    # What is there may be pushed again; another image may not take its tag.
    assert run(cloud, of, environmentVariablesOverride=words)["buildStatus"] == "SUCCEEDED"
    other = json.loads(json.dumps(PUSH))
    other["phases"]["build"]["commands"].insert(0, "echo '#' >> boot/__init__.py")
    refused = run(
        cloud, of, environmentVariablesOverride=words, buildspecOverride=json.dumps(other)
    )
    assert refused["buildStatus"] == "FAILED"
    assert "immutable" in " ".join(printed(cloud, refused))
    (again,) = ecr.describe_images(repositoryName=name)["imageDetails"]
    assert again["imageDigest"] == there["imageDigest"]


def test_a_build_that_does_not_install_what_it_says_fails(
    cloud: Any, project: Make, bucket: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM python:3.12\nRUN pip install --no-index no-such-package-anywhere\n"
    )
    cloud.client("s3").put_object(Bucket=bucket, Key="s.zip", Body=zipped(tmp_path))
    source = {"type": "S3", "location": f"{bucket}/s.zip",
              "buildspec": spec(build=["docker build -t x .", "echo went on"])}  # fmt: skip
    build = run(cloud, project(source=source))
    assert build["buildStatus"] == "FAILED"
    assert context(build, "BUILD") == (
        "COMMAND_EXECUTION_ERROR",
        "Error while executing command: docker build -t x .. Reason: exit status 1",
    )
    lines = printed(cloud, build)
    assert any("No matching distribution found for no-such-package-anywhere" in m for m in lines)
    assert "went on" not in lines


def test_commands_share_one_shell_and_a_plain_environment(cloud: Any, project: Make) -> None:
    lines = ['echo "A=$A B=$B"', "export C=3; mkdir deep; cd deep", "D=4", 'echo "multi\nline"']
    told = {
        "version": 0.2,
        "env": {"variables": {"A": "buildspec", "B": "buildspec"}, "shell": "bash"},
        "phases": {
            "install": {"commands": lines},
            "build": {"commands": ['echo "$C ${PWD##*/} $CODEBUILD_BUILD_NUMBER"', "echo $PATH"]},
        },
    }
    build = run(
        cloud, project(json.dumps(told)), environmentVariablesOverride=variables(A="override")
    )
    assert build["buildStatus"] == "SUCCEEDED", log(cloud, build)
    got = printed(cloud, build)
    assert got[:4] == ["A=override B=buildspec", "multi", "line", "3 deep 1"]
    own, rest = got[4].split(":", 1)
    assert (Path(own).name, rest) == ("bin", "/usr/bin:/bin")
    assert not Path(own).exists()  # a build's machine is gone with it


@pytest.mark.parametrize("phase", ["install", "pre_build", "build"])
def test_a_failed_command_fails_its_phase(cloud: Any, project: Make, phase: str) -> None:
    told = {phase: ["exit 7", "echo never"], "post_build": ["echo $CODEBUILD_BUILD_SUCCEEDING"]}
    build = run(cloud, project(spec(**told)))
    assert build["buildStatus"] == "FAILED"
    assert context(build, phase.upper()) == (
        "COMMAND_EXECUTION_ERROR",
        "Error while executing command: exit 7. Reason: exit status 7",
    )
    # https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
    assert ("POST_BUILD" in phases(build)) == (phase == "build")
    assert printed(cloud, build) == (["0"] if phase == "build" else [])


def test_finally_and_on_failure(cloud: Any, project: Make) -> None:
    told = {
        "version": 0.2,
        "phases": {
            "install": {"commands": ["false"], "finally": ["echo f"], "on-failure": "CONTINUE"},
            "build": {"commands": ["echo b; false"], "on-failure": "ABORT"},
            "post_build": {"commands": ["echo never"]},
        },
    }
    build = run(cloud, project(json.dumps(told)))
    assert build["buildStatus"] == "FAILED"
    assert printed(cloud, build) == ["f", "b"]
    assert "POST_BUILD" not in phases(build)


def test_stop_ends_all_that_runs(cloud: Any, project: Make) -> None:
    mark = f"86400.{uuid.uuid4().int % 10**9}"
    client = cloud.client("codebuild")
    of = project(spec(build=[f"(setsid sleep {mark} &) ; sleep {mark}"], post_build=["echo no"]))
    build = client.start_build(projectName=of)["build"]

    def running() -> bytes:
        words = ["pgrep", "-f", f"sleep {mark}"]
        return subprocess.run(words, capture_output=True, check=False).stdout

    deadline = time.monotonic() + 20
    while not running():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (going,) = client.batch_get_builds(ids=[build["id"]])["builds"]
    assert (going["buildStatus"], going["currentPhase"]) == ("IN_PROGRESS", "BUILD")
    client.stop_build(id=build["id"])
    over = ended(cloud, build, 20)
    assert over["buildStatus"] == "STOPPED"
    assert phases(over)["BUILD"] == "STOPPED"
    assert not running()
    assert printed(cloud, over) == []


def test_more_builds_than_places_are_queued(cloud: Any, project: Make) -> None:
    client, of = cloud.client("codebuild"), project(spec(build=["sleep 60"]))
    begun = [client.start_build(projectName=of)["build"]["id"] for _ in range(3)]
    time.sleep(0.5)
    told = client.batch_get_builds(ids=begun)["builds"]
    assert sorted(each["currentPhase"] == "QUEUED" for each in told) == [False, False, True]
    assert client.list_builds_for_project(projectName=of)["ids"] == begun[::-1]
    for id_ in begun:
        client.stop_build(id=id_)
    for id_ in begun:
        assert ended(cloud, {"id": id_}, 20)["buildStatus"] == "STOPPED"


def test_a_source_that_cannot_be_fetched(cloud: Any, project: Make, bucket: str) -> None:
    cloud.client("s3").put_object(Bucket=bucket, Key="no.zip", Body=b"not a zip")
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("readme", "")
    cloud.client("s3").put_object(Bucket=bucket, Key="empty.zip", Body=empty.getvalue())
    of = project(source={"type": "S3", "location": f"{bucket}/absent.zip"})
    for location, code, words in (
        (f"{bucket}/absent.zip", "CLIENT_ERROR", "NoSuchKey"),
        (f"{bucket}/no.zip", "CLIENT_ERROR", "zip"),
        (f"{bucket}/empty.zip", "YAML_FILE_ERROR", "buildspec.yml"),
    ):
        build = run(cloud, of, sourceLocationOverride=location)
        assert build["buildStatus"] == "FAILED"
        found = context(build, "DOWNLOAD_SOURCE")
        assert found[0] == code
        assert words in found[1]
        assert "INSTALL" not in phases(build)


def test_without_privileged_mode_there_is_no_docker(cloud: Any, project: Make) -> None:
    of = project(spec(build=["docker build ."]))
    build = run(cloud, of, privilegedModeOverride=False)
    assert build["buildStatus"] == "FAILED"
    assert "Cannot connect to the Docker daemon" in printed(cloud, build)[0]


def test_a_token_starts_one_build(cloud: Any, project: Make) -> None:
    client, of, token = cloud.client("codebuild"), project(), uuid.uuid4().hex
    ids = {client.start_build(projectName=of, idempotencyToken=token)["build"]["id"]
           for _ in range(2)}  # fmt: skip
    assert len(ids) == 1
    with pytest.raises(ClientError, match="token"):
        client.start_build(
            projectName=of, idempotencyToken=token,
            environmentVariablesOverride=variables(A="1"),
        )  # fmt: skip
    ended(cloud, {"id": ids.pop()})


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"source": {"type": "GITHUB", "location": "https://x/y"}}, "GITHUB"),
        ({"vpcConfig": {"vpcId": "vpc-1"}}, "vpcConfig"),
        ({"artifacts": {"type": "S3", "location": "b"}}, "artifacts"),
        ({"cache": {"type": "LOCAL"}}, "LOCAL"),
        ({"environment": {**ENVIRONMENT, "type": "WINDOWS_CONTAINER"}}, "WINDOWS_CONTAINER"),
        ({"environment": {**ENVIRONMENT, "environmentVariables": [
            {"name": "S", "value": "s", "type": "SECRETS_MANAGER"}]}}, "SECRETS_MANAGER"),
        ({"timeoutInMinutes": 2161}, "between 5 and 2160"),
        ({"serviceRole": "arn:aws:iam::123456789012:role/nobody"}, "sts:AssumeRole"),
    ],
)  # fmt: skip
def test_what_a_project_cannot_have_is_refused_by_name(
    project: Make, more: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClientError, match=named):
        project(**more)


def test_what_a_build_cannot_have_is_refused_by_name(cloud: Any, project: Make) -> None:
    client, of = cloud.client("codebuild"), project()
    with pytest.raises(ClientError, match="debugSessionEnabled"):
        client.start_build(projectName=of, debugSessionEnabled=True)
    with pytest.raises(ClientError, match="no BatchDeleteBuilds"):
        client.batch_delete_builds(ids=["a:b"])
    with pytest.raises(ClientError, match="cannot be found"):
        client.start_build(projectName="nobody")
    for text, named in (
        ({"version": 0.1, "phases": {}}, "0.1"),
        ({"version": 0.2, "artifacts": {"files": ["*"]}}, "artifacts"),
        ({"version": 0.2, "phases": {"install": {"runtime-versions": {}}}}, "runtime-versions"),
        ({"version": 0.2, "env": {"secrets-manager": {}}}, "secrets-manager"),
    ):
        build = run(cloud, of, buildspecOverride=json.dumps(text))
        assert context(build, "DOWNLOAD_SOURCE")[0] == "YAML_FILE_ERROR"
        assert named in context(build, "DOWNLOAD_SOURCE")[1]


def test_a_project_is_deployed_changed_and_deleted(cloud: Any, stacks: Any) -> None:
    name, client = stacks.new(), cloud.client("codebuild")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
             "Principal": {"Service": "codebuild.amazonaws.com"}}]}  # fmt: skip
    properties = {
        "Description": "builds",
        "ServiceRole": {"Fn::GetAtt": ["Role", "Arn"]},
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {
            "Type": "LINUX_CONTAINER",
            "ComputeType": "BUILD_GENERAL1_MEDIUM",
            "Image": ENVIRONMENT["image"],
            "PrivilegedMode": "true",
            "ImagePullCredentialsType": "CODEBUILD",
            "EnvironmentVariables": [{"Name": "A", "Value": "1", "Type": "PLAINTEXT"}],
        },
        "Source": {"Type": "NO_SOURCE", "BuildSpec": spec(build=["echo $A"])},
        "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "/tested/b"}},
        "TimeoutInMinutes": 13,
        "QueuedTimeoutInMinutes": 5,
        "EncryptionKey": "alias/aws/s3",
        "Tags": [{"Key": "a", "Value": "1"}],
    }
    template = {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
            "P": {"Type": "AWS::CodeBuild::Project", "Properties": properties},
        },
        "Outputs": {
            "Name": {"Value": {"Ref": "P"}},
            "Arn": {"Value": {"Fn::GetAtt": ["P", "Arn"]}},
        },
    }
    out = stacks.deploy(name, template)
    (made,) = client.batch_get_projects(names=[out["Name"]])["projects"]
    assert made["arn"] == out["Arn"]
    assert made["timeoutInMinutes"] == 13
    assert made["tags"] == [{"key": "a", "value": "1"}]
    assert printed(cloud, run(cloud, out["Name"])) == ["1"]

    for gone in ("Description", "TimeoutInMinutes", "LogsConfig", "Tags", "QueuedTimeoutInMinutes"):
        del properties[gone]
    properties["Environment"]["EnvironmentVariables"][0]["Value"] = "2"  # type: ignore[index]
    assert stacks.deploy(name, template) == out
    build = run(cloud, out["Name"])
    assert (build["timeoutInMinutes"], printed(cloud, build)) == (60, ["2"])
    assert build["logs"]["groupName"] == f"/aws/codebuild/{out['Name']}"

    properties["Source"] = {"Type": "GITHUB", "Location": "https://x/y"}
    with pytest.raises(stacks.Failed, match="GITHUB"):
        stacks.deploy(name, template)
    assert printed(cloud, run(cloud, out["Name"])) == ["2"]
    stacks.delete(name)
    assert client.batch_get_projects(names=[out["Name"]])["projectsNotFound"] == [out["Name"]]
