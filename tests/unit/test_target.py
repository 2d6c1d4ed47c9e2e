"""One place knows a laptop from AWS."""

import pytest

from headrace import target


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
