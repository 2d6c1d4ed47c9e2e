"""One place knows a laptop from AWS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from headrace import target
from headrace.plan import Plan, plan_of
from headrace.study import Gpu, Study


@dataclass
class Row:
    a: int


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "aws"),
        ({"AWS_ENDPOINT_URL": "http://localhost:5566"}, "local"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:5566"}, "local"),
        ({"AWS_ENDPOINT_URL": "https://vpce-1.execute.example"}, "aws"),
        ({"HEADRACE_TARGET": "local"}, "local"),
    ],
)
def test_bare_tools_go_where_the_sdk_goes(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], name: str
) -> None:
    for variable in ("HEADRACE_TARGET", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert target.of_environment().name == name


def test_aws_is_not_asked_of_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:5566")
    with pytest.raises(target.TargetError, match="AWS_ENDPOINT_URL=http://localhost:5566"):
        target.named("aws")


def test_local_functions_run_under_the_python_that_runs_this() -> None:
    import sys

    assert target.local("http://localhost:1").python == ".".join(map(str, sys.version_info[:2]))


def test_no_real_credential_goes_to_a_laptop() -> None:
    environment = target.local("http://localhost:1").environment
    assert environment["AWS_ACCESS_KEY_ID"] == environment["AWS_SECRET_ACCESS_KEY"] == "local"
    assert "cdk-home" in environment["CDK_HOME"]


@pytest.mark.parametrize(
    ("told", "name", "driver", "found"),
    [
        (None, "aws", None, True),
        ("0", "aws", None, False),
        ("1", "local", None, True),
        ("", "local", None, False),
        (None, "local", "echo 'GPU 0: Tesla T4 (UUID: GPU-a)'", True),
        ("0", "local", "echo 'GPU 0: Tesla T4 (UUID: GPU-a)'", False),
        (None, "local", "echo 'No devices found.'", False),
    ],
)
def test_gpus_are_where_the_driver_or_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    told: str | None,
    name: str,
    driver: str | None,
    found: bool,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("HEADRACE_GPUS", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if told is not None:
        monkeypatch.setenv("HEADRACE_GPUS", told)
    if driver is not None:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{driver}\n")
        (tmp_path / "nvidia-smi").chmod(0o755)
    target._gpus_here.cache_clear()
    try:
        assert target.has_gpus(name) is found
        assert (target.aws() if name == "aws" else target.local(None)).gpus is found
        assert target.on(devices(), name).queues == (("gpu",) if found else ("spot",))
    finally:
        target._gpus_here.cache_clear()


def test_another_word_for_gpus_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_GPUS", "yes")
    with pytest.raises(target.TargetError, match="found 'yes'. Give 0 or 1"):
        target.has_gpus("aws")
    without = devices(gpus=0)
    assert target.on(without, "local") is without  # nobody asks


def devices(gpus: int = 1) -> Plan:
    stage = Gpu("picked", "tasks/gpu/x.py", "s3://{lake}/files/x/", Row, gpus=gpus)
    return plan_of(Study("s", "?", stages=[stage]))
