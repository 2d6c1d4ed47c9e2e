"""The cdk's own command line: bootstrap, deploy, no changes, a change, a failure, destroy."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CDK = ROOT / "node_modules" / ".bin" / "cdk"
PLACE = "123456789012-us-east-1"
BUCKET = f"cdk-hnb659fds-assets-{PLACE}"
VERSION = "/cdk-bootstrap/hnb659fds/version"


def role(name: str) -> str:
    return "arn:${AWS::Partition}:iam::123456789012:role/" + f"cdk-hnb659fds-{name}-role-{PLACE}"


class App:
    """A cloud assembly as `cdk synth` writes it, of stacks given as templates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._artifacts: dict[str, Any] = {}

    def add(self, name: str, template: dict[str, Any], *needs: str) -> None:
        template["Parameters"] = {
            "BootstrapVersion": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": VERSION,
            }
        }
        text = json.dumps(template)
        digest = hashlib.sha256(text.encode()).hexdigest()
        (self.folder / f"{name}.template.json").write_text(text)
        self._assets(name, digest)
        properties = {
            "templateFile": f"{name}.template.json",
            "stackTemplateAssetObjectUrl": f"s3://{BUCKET}/{digest}.json",
            "assumeRoleArn": role("deploy"),
            "cloudFormationExecutionRoleArn": role("cfn-exec"),
            "requiresBootstrapStackVersion": 6,
            "bootstrapStackVersionSsmParameter": VERSION,
        }
        self._artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://123456789012/us-east-1",
            "properties": properties,
            "dependencies": [f"{name}.assets", *needs],
        }
        manifest = {"version": "36.0.0", "artifacts": self._artifacts}
        (self.folder / "manifest.json").write_text(json.dumps(manifest))

    def _assets(self, name: str, digest: str) -> None:
        place = {"bucketName": BUCKET, "objectKey": f"{digest}.json", "region": "us-east-1"}
        file = {
            "source": {"path": f"{name}.template.json", "packaging": "file"},
            "destinations": {PLACE: place | {"assumeRoleArn": role("file-publishing")}},
        }
        text = json.dumps({"version": "36.0.0", "files": {digest: file}})
        (self.folder / f"{name}.assets.json").write_text(text)
        self._artifacts[f"{name}.assets"] = {
            "type": "cdk:asset-manifest",
            "properties": {"file": f"{name}.assets.json"},
        }


Run = Callable[..., str]


@pytest.fixture
def cdk(cloud: Any, tmp_path: Path) -> Run:
    """Run the cdk in an empty folder, with a home of its own; gives what it prints."""
    environment = cloud.environment | {
        "CDK_HOME": str(tmp_path / "home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    (tmp_path / "work").mkdir()

    def run(*words: str, fails: bool = False) -> str:
        done = subprocess.run(
            [str(CDK), *words, "--no-notices"],
            cwd=tmp_path / "work",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # which of them it uses hangs on CI
            text=True,
            timeout=120,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    return run


def test_the_life_of_an_app(cloud: Any, cdk: Run, tmp_path: Path) -> None:
    mark = f"c{uuid.uuid4().hex[:8]}"
    maker, user = f"{mark}-maker", f"{mark}-user"
    stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": mark, "ShardCount": 1}}
    arn = {"Value": {"Fn::GetAtt": ["S", "Arn"]}, "Export": {"Name": f"{mark}-arn"}}

    def app(hours: int, **more: Any) -> str:
        folder = tmp_path / uuid.uuid4().hex
        folder.mkdir()
        made = App(folder)
        stream["Properties"]["RetentionPeriodHours"] = hours  # type: ignore[index]
        made.add(maker, {"Resources": {"S": stream, **more}, "Outputs": {"Arn": arn}})
        words = {"Type": "String", "Value": {"Fn::ImportValue": f"{mark}-arn"}}
        kept = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": f"/{mark}", **words}}
        made.add(user, {"Resources": {"P": kept}}, maker)
        return str(folder)

    def hours() -> int:
        found = cloud.client("kinesis").describe_stream_summary(StreamName=mark)
        return int(found["StreamDescriptionSummary"]["RetentionPeriodHours"])

    deploy = ("deploy", "--all", "--require-approval", "never", "--app")
    cdk("bootstrap", "aws://123456789012/us-east-1", "--app", "")
    first = app(24)
    done = cdk(*deploy, first)
    assert f"{maker}.Arn = arn:aws:kinesis:us-east-1:123456789012:stream/{mark}" in done
    kept = cloud.client("ssm").get_parameter(Name=f"/{mark}")["Parameter"]["Value"]
    assert kept.endswith(f"stream/{mark}")
    done = cdk(*deploy, first)
    assert done.count("(no changes)") == 2

    done = cdk("diff", "--app", app(48), maker)
    assert "RetentionPeriodHours" in done
    cdk(*deploy, app(48))
    assert hours() == 48
    cdk(*deploy, app(72), "--method=direct")
    assert hours() == 72

    bad = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    bad["Properties"] |= {"Name": f"/{mark}"}  # type: ignore[operator]
    done = cdk(*deploy, app(96, Bad={**bad, "DependsOn": "S"}), fails=True)
    stack = cloud.client("cloudformation").describe_stacks(StackName=maker)["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "already exists" in done
    assert hours() == 72

    unknown = {"Type": "AWS::SNS::Topic", "Properties": {"TracingConfig": "Active"}}
    done = cdk(*deploy, app(96, T=unknown), fails=True)
    assert "AWS::SNS::Topic TracingConfig can't be honoured by the local cloud." in done

    done = cdk("destroy", maker, "--exclusively", "--force", "--app", first, fails=True)
    assert f"in use by {user}" in done
    cdk("destroy", "--all", "--force", "--app", first)
    assert mark not in cloud.client("kinesis").list_streams()["StreamNames"]
