"""Creating and changing functions: what is honoured reads back, what is not is refused by name."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import Running
from tests.integration.deployed import ARCHITECTURE, Deployed, unique, zipped

SOURCE = "def handle(event, context): return 1"


@pytest.fixture(scope="module")
def deployed(cloud: Running) -> Iterator[Deployed]:
    made = Deployed(cloud)
    yield made
    made.clean()


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"Runtime": "python3.8"}, "Runtime"),
        ({"Runtime": "nodejs22.x"}, "Runtime"),
        (
            {"Architectures": [{"x86_64": "arm64", "arm64": "x86_64"}[ARCHITECTURE]]},
            "Architectures",
        ),
        ({"PackageType": "Image"}, "PackageType"),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}, "VpcConfig"),
        ({"TracingConfig": {"Mode": "Active"}}, "TracingConfig"),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "SnapStart"),
        (
            {
                "FileSystemConfigs": [
                    {"Arn": "arn:aws:elasticfilesystem:" + "x" * 9, "LocalMountPath": "/mnt/a"}
                ]
            },
            "FileSystemConfigs",
        ),
        ({"MemorySize": 10_241}, "memorySize"),
        ({"Timeout": 901}, "timeout"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "AWS_REGION"),
        ({"DeadLetterConfig": {"TargetArn": "arn:aws:s3:::bucket"}}, "DeadLetterConfig"),
        ({"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:none:1"]}, "LayerVersion"),
    ],
)
def test_what_cannot_be_honoured_is_refused(
    deployed: Deployed, settings: dict[str, Any], name: str
) -> None:
    with pytest.raises(ClientError, match=name):
        deployed.function(SOURCE, FunctionName=(function := unique("refused")), **settings)
    with pytest.raises(ClientError, match="not found"):
        deployed.lambdas.get_function(FunctionName=function)


def test_an_update_is_held_to_the_same(deployed: Deployed) -> None:
    name = deployed.function(SOURCE)
    for settings in ({"Runtime": "python3.8"}, {"TracingConfig": {"Mode": "Active"}}):
        with pytest.raises(ClientError, match="can't honour"):
            deployed.lambdas.update_function_configuration(FunctionName=name, **settings)
    with pytest.raises(ClientError, match="Image"):
        deployed.lambdas.update_function_code(FunctionName=name, ImageUri="x:y")


def test_every_setting_reads_back_and_an_update_too(deployed: Deployed) -> None:
    _, queue = deployed.queue()
    name = deployed.function(SOURCE, MemorySize=200, Timeout=9, Description="one")
    changes = {
        "MemorySize": 300,
        "Timeout": 10,
        "Description": "two",
        "EphemeralStorage": {"Size": 600},
        "DeadLetterConfig": {"TargetArn": queue},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/some/group"},
        "Environment": {"Variables": {"A": "b"}},
    }
    before = deployed.lambdas.get_function_configuration(FunctionName=name)
    assert (before["MemorySize"], before["Timeout"], before["Description"]) == (200, 9, "one")
    deployed.lambdas.update_function_configuration(FunctionName=name, **changes)
    after = deployed.lambdas.get_function_configuration(FunctionName=name)
    assert {key: after[key] for key in changes} == changes


@pytest.mark.parametrize("code", [b"no zip", b""])
def test_what_is_no_zip_is_refused_and_the_code_stays(deployed: Deployed, code: bytes) -> None:
    name = deployed.function(SOURCE)
    with pytest.raises(ClientError, match=r"Could not unzip|ZipFile"):
        deployed.lambdas.update_function_code(FunctionName=name, ZipFile=code)
    assert deployed.invoke(name).payload == 1


def test_a_missing_object_is_refused(deployed: Deployed) -> None:
    name = deployed.function(SOURCE)
    with pytest.raises(ClientError, match="NoSuchKey") as fault:
        deployed.lambdas.update_function_code(
            FunctionName=name, S3Bucket=deployed.bucket, S3Key="not-there.zip"
        )
    assert fault.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_code_comes_from_a_bucket_too(deployed: Deployed) -> None:
    code = zipped({"app.py": "def handle(event, context): return 'from the bucket'"})
    deployed.s3.put_object(Bucket=deployed.bucket, Key="code.zip", Body=code)
    name = deployed.function(SOURCE)
    deployed.lambdas.update_function_code(
        FunctionName=name, S3Bucket=deployed.bucket, S3Key="code.zip"
    )
    assert deployed.invoke(name).payload == "from the bucket"


def test_function_and_layers_are_held_to_250_mb_together(deployed: Deployed) -> None:
    def zeros(mib: int) -> bytes:
        out = BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("app.py", SOURCE)
            archive.writestr("zeros", bytes(mib << 20))
        return out.getvalue()

    with pytest.raises(ClientError, match="Unzipped size must be smaller than 262144000 bytes"):
        deployed.lambdas.publish_layer_version(
            LayerName=unique("layer"), Content={"ZipFile": zeros(251)}
        )
    arn = deployed.lambdas.publish_layer_version(
        LayerName=unique("layer"), Content={"ZipFile": zeros(249)}
    )["LayerVersionArn"]
    name = deployed.function(SOURCE, Layers=[arn])
    with pytest.raises(ClientError, match="combined with layers"):
        deployed.lambdas.update_function_code(FunctionName=name, ZipFile=zeros(2))
    assert deployed.invoke(name).payload == 1


def test_a_symbolic_link_is_refused_by_name(deployed: Deployed) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ClientError, match="symbolic link link"):
        deployed.lambdas.create_function(
            FunctionName=unique("linked"),
            Role=deployed.role,
            Handler="app.handle",
            Runtime="python3.11",
            Architectures=[ARCHITECTURE],
            Code={"ZipFile": out.getvalue()},
        )


def test_an_executable_of_the_zip_can_be_run(deployed: Deployed) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        tool = zipfile.ZipInfo("bin/tool")
        tool.external_attr = 0o100755 << 16
        archive.writestr(tool, "#!/bin/sh\necho ran\n")
        archive.writestr(
            "app.py",
            "import subprocess\n"
            "def handle(event, context): return subprocess.check_output(['bin/tool'], text=True)",
        )
    name = deployed.function(SOURCE)
    deployed.lambdas.update_function_code(FunctionName=name, ZipFile=out.getvalue())
    assert deployed.invoke(name).payload == "ran\n"


def test_destinations_of_asynchronous_calls(deployed: Deployed) -> None:
    name = deployed.function(SOURCE)
    bus = "arn:aws:events:us-east-1:123456789012:event-bus/default"
    with pytest.raises(ClientError, match=r"OnFailure\.Destination"):
        deployed.lambdas.put_function_event_invoke_config(
            FunctionName=name, DestinationConfig={"OnFailure": {"Destination": bus}}
        )
    for retries in (2, 1):
        deployed.lambdas.put_function_event_invoke_config(
            FunctionName=name, MaximumRetryAttempts=retries
        )
        got = deployed.lambdas.get_function_event_invoke_config(FunctionName=name)
        assert got["MaximumRetryAttempts"] == retries


def test_an_unknown_function_is_404(deployed: Deployed) -> None:
    with pytest.raises(ClientError, match=re.escape("Function not found")) as fault:
        deployed.invoke("not-there")
    assert fault.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
