"""What a function can see: its zip, its layers, the runtime client and boto3; nothing of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Running
from tests.integration.deployed import RUNTIME, Deployed, unique, zipped

LOOK = """
import importlib, os, pathlib, subprocess, sys

def found(name):
    try:
        return importlib.import_module(name).__file__
    except ImportError:
        return None

def handle(event, context):
    names = [name.split(".")[0] for name in event["names"]]
    child = "import sys, importlib.util as u; print([u.find_spec(n) is None for n in sys.argv[1:]])"
    words = [sys.executable, "-S", "-c", child, *names]
    return {
        "found": {name: found(name) for name in event.get("names", [])},
        "path": sys.path,
        "environment": dict(os.environ),
        "home": str(pathlib.Path.home()),
        "cwd": os.getcwd(),
        "child": subprocess.check_output(words, text=True),
    }
"""


@pytest.fixture(scope="module")
def deployed(cloud: Running) -> Iterator[Deployed]:
    made = Deployed(cloud)
    yield made
    made.clean()


def layer(deployed: Deployed, files: dict[str, str]) -> str:
    got = deployed.lambdas.publish_layer_version(
        LayerName=unique("layer"), Content={"ZipFile": zipped(files)}
    )
    return str(got["LayerVersionArn"])


def test_neither_moto_nor_the_tool_nor_the_home_is_found(deployed: Deployed) -> None:
    ours = ["moto", "localcloud", "headrace", "headrace.cli", "werkzeug", "pyarrow", "duckdb"]
    told = deployed.run(LOOK, {"names": ours}).payload
    assert told["found"] == dict.fromkeys(ours)
    assert told["child"].strip() == str([True] * len(ours))
    inside = [part for part in told["path"] if part.startswith(str(deployed.cloud.data))]
    library = Path(os.__file__).parent  # the standard library, where this Python has it
    assert len(inside) == 4
    for part in set(told["path"]) - set(inside):
        assert Path(part).is_relative_to(library) or part.endswith(".zip")
        assert "site-packages" not in part
    home = Path(told["home"])
    assert home.is_relative_to(deployed.cloud.data)
    assert list(home.iterdir()) == []
    assert told["cwd"] == told["environment"]["LAMBDA_TASK_ROOT"]


def test_the_runtime_brings_boto3_and_the_client_only(deployed: Deployed) -> None:
    brought = ["boto3", "botocore", "awslambdaric", "urllib3", "dateutil", "jmespath"]
    found = deployed.run(LOOK, {"names": brought}).payload["found"]
    runtime = str(deployed.cloud.data / "functions" / "runtime")
    assert all(path and path.startswith(runtime) for path in found.values())


def test_only_what_aws_sets_is_in_the_environment(deployed: Deployed) -> None:
    told = deployed.run(
        LOOK, {"names": []}, Environment={"Variables": {"MINE": "1"}}, MemorySize=256
    ).payload["environment"]
    assert told["MINE"] == "1"
    assert told["AWS_ENDPOINT_URL"] == deployed.cloud.endpoint
    assert told["AWS_REGION"] == told["AWS_DEFAULT_REGION"] == "us-east-1"
    assert told["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert told["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    name = told["AWS_LAMBDA_FUNCTION_NAME"]
    assert told["AWS_LAMBDA_LOG_GROUP_NAME"] == f"/aws/lambda/{name}"
    assert told["_HANDLER"] == "app.handle"
    assert told["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{RUNTIME}"
    allowed = (
        "AWS_ LAMBDA_ _HANDLER _X_AMZN_TRACE_ID LANG LC_CTYPE TZ PATH LD_LIBRARY_PATH HOME TMPDIR"
    )
    strangers = [k for k in told if not k.startswith(tuple(allowed.split()))]
    assert sorted(strangers) == ["BUCKET", "MINE", "SEEN"]
    assert ".venv" not in told["PATH"]


def test_own_code_wins_over_layers_and_layers_over_the_runtime(deployed: Deployed) -> None:
    lower = layer(deployed, {"python/both.py": "who = 'lower'", "python/low.py": "who = 'low'"})
    upper = layer(
        deployed,
        {
            "python/both.py": "who = 'upper'",
            "python/own.py": "x = 1",
            "python/jmespath.py": "x = 1",
        },
    )
    told = deployed.run(
        "",
        {"names": ["both", "low", "own", "jmespath"]},
        files={"app.py": LOOK, "own.py": "who = 'function'"},
        Layers=[lower, upper],
    ).payload
    task, opt = told["path"][0], told["path"][2].removesuffix("/python")
    assert told["found"] == {
        "both": f"{opt}/python/both.py",
        "low": f"{opt}/python/low.py",
        "own": f"{task}/own.py",
        "jmespath": f"{opt}/python/jmespath.py",
    }
    assert "'upper'" in Path(told["found"]["both"]).read_text()  # later layers over earlier ones


def test_a_function_keeps_a_layer_version_that_is_deleted(deployed: Deployed) -> None:
    arn = layer(deployed, {"python/kept.py": "who = 'kept'"})
    name = deployed.function(
        "import kept\ndef handle(event, context): return kept.who", Layers=[arn]
    )
    deployed.lambdas.delete_layer_version(LayerName=arn.split(":")[-2], VersionNumber=1)
    assert deployed.invoke(name).payload == "kept"


def test_each_environment_has_its_own_empty_tmp(deployed: Deployed) -> None:
    name = deployed.function(
        "import os, tempfile\n"
        "def handle(event, context):\n"
        "    before = os.listdir(tempfile.gettempdir())\n"
        "    open(os.path.join(tempfile.gettempdir(), 'left'), 'w').close()\n"
        "    if event.get('end'): os._exit(1)\n"
        "    return before"
    )
    assert deployed.invoke(name).payload == []
    assert deployed.invoke(name).payload == ["left"]  # warm: as on AWS
    deployed.invoke(name, {"end": True})
    assert deployed.invoke(name).payload == []


def test_boto3_inside_reaches_this_cloud(deployed: Deployed) -> None:
    name = deployed.function(
        "import boto3\n"
        "def handle(event, context):\n"
        "    boto3.client('s3').put_object(Bucket=event['bucket'], Key='from-inside', Body=b'x')\n"
        "    return boto3.client('sts').get_caller_identity()['Account']"
    )
    assert deployed.invoke(name, {"bucket": deployed.bucket}).payload == deployed.cloud.account
    assert deployed.s3.head_object(Bucket=deployed.bucket, Key="from-inside")["ContentLength"] == 1
