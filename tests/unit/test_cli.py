"""The command line's words: what it takes, how it refuses, and how it ends."""

import json
import re
from pathlib import Path
from typing import Any

import botocore.exceptions
import click
import pytest
from click.testing import CliRunner, Result

from headrace import cli as package
from headrace.cli import group, options
from headrace.errors import HeadraceError
from headrace.local_process import Files

README = Path(__file__).resolve().parents[2] / "README.md"
#: While doing X, found Y. Do Z.
SENTENCES = re.compile(r"^headrace: While .+, found:? .+[.:\n] ?[A-Z].+\.$", re.DOTALL)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No target in the environment, and no local cloud of anyone's in reach."""
    for name in ("HEADRACE_TARGET", "HEADRACE_DEBUG", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("headrace.target.STATE", tmp_path)
    monkeypatch.setattr("headrace.target.READY", tmp_path / "cloud.json")


def run(*words: str, **extra: Any) -> Result:
    return CliRunner().invoke(package.cli, list(words), **extra)


def test_verbs_stand_in_the_order_of_use() -> None:
    verbs = list(package.cli.commands)
    assert verbs[:2] == ["up", "down"]
    assert set(verbs) == {
        *("up", "down", "status", "env", "plan", "deploy", "destroy"),
        *("push", "upload", "run", "why", "runs", "methods", "package", "compare"),
        *("query", "ledger", "report", "demo", "scale", "roofline", "slurm"),
    }


@pytest.mark.parametrize("verb", sorted(package.cli.commands))
def test_every_verb_says_what_it_does_and_takes_json(verb: str) -> None:
    help_text = run(verb, "--help")
    assert help_text.exit_code == 0
    assert "--json" in help_text.output
    assert package.cli.commands[verb].help


@pytest.mark.parametrize("verb", sorted(package.cli.commands))
def test_every_verb_is_in_the_readme(verb: str) -> None:
    if not README.is_file():
        pytest.skip("README.md is not written yet")
    assert re.search(rf"`(headrace )?{verb}\b", README.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "words",
    [
        ["fly"],
        ["push"],
        ["up", "--port", "0"],
        ["up", "--target", "aws"],
        ["down", "--target", "aws"],
        ["demo", "--target", "aws"],
        ["ledger", "speeches", "--target", "moon"],
        ["query", "speeches", "SELECT 1", "--format", "xml"],
        ["query", "speeches", "SELECT 1", "--format", "parquet"],
        ["query", "speeches", "SELECT 1", "--out", "answer.xyz"],
        ["push", "speeches", "-", "--format", "csv"],
    ],
)
def test_wrong_words_end_with_2_and_where_to_read(words: list[str]) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert SENTENCES.match(done.stderr.strip()), done.stderr
    assert "--help`" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["deploy", "no-such-study"], "Choose one of"),
        (["plan", "no-such-study"], "no studies/no_such_study/study.py"),
        (["deploy", "speeches"], "Start one with `headrace up`"),
        (["push", "speeches"], "Start one with `headrace up`"),
        (["env"], "Start one with `headrace up`"),
    ],
)
def test_what_fails_ends_with_1_and_what_to_do(words: list[str], said: str) -> None:
    done = run(*words)
    assert done.exit_code == 1
    assert SENTENCES.match(done.stderr.strip()), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_gives_the_traceback() -> None:
    assert "Traceback" in run("env", "--debug").stderr
    assert "Traceback" in run("env", env={"HEADRACE_DEBUG": "1"}).stderr


def client_error() -> Exception:
    told = {"Error": {"Code": "ResourceNotFoundException", "Message": "Stream x\nnot found."}}
    error: Exception = botocore.exceptions.ClientError(told, "PutRecords")
    return error


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (HeadraceError("a", "b.", "C."), 1, "While a, found b. C."),
        (HeadraceError("a", "b:\nc\n", "D."), 1, "While a, found b:\nc\nD."),
        (client_error(), 1, "found ResourceNotFoundException: Stream x not found. If it"),
        (botocore.exceptions.NoCredentialsError(), 1, "While calling AWS, found Unable to locate"),
        (KeyError("x"), 1, "found KeyError: 'x'. Run it again with --debug"),
        (click.Abort(), 1, "Stopped by you. What was done stays done."),
        (KeyboardInterrupt(), 1, "Stopped by you. What was done stays done."),
    ],
)
def test_an_error_is_a_sentence(error: BaseException, status: int, said: str) -> None:
    code, text = group.sentence(error)
    assert code == status
    assert said in text


def test_status_without_a_cloud_is_an_answer() -> None:
    assert "headrace up" in run("status").stdout
    assert json.loads(run("status", "--json").stdout) == {
        "target": "local",
        "up": False,
        "studies": [],
    }


def test_down_without_a_cloud_is_no_error() -> None:
    done = run("down", "--json")
    assert (done.exit_code, json.loads(done.stdout)["stopped"]) == (0, False)


def test_plan_lists_what_will_exist() -> None:
    document = json.loads(run("plan", "speeches", "--json").stdout)
    assert document["tables"]["sentences"]["sentiment"] == "double"
    assert document["stream"]["name"] == "headrace-speeches"
    shown = run("plan", "speeches").stdout
    for name in ("headrace-speeches-data", "quarantine", "headrace-speeches-land", "mood_by_party"):
        assert name in shown


def test_env_is_for_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    monkeypatch.setenv("AWS_PROFILE", "work")
    printed = run("env").stdout.splitlines()
    assert "unset AWS_PROFILE" in printed
    assert "export AWS_ENDPOINT_URL=http://localhost:1" in printed
    assert "export AWS_ACCESS_KEY_ID=local" in printed
    assert printed[-1].startswith("export PATH=")
    assert json.loads(run("env", "--json").stdout)["AWS_ENDPOINT_URL"] == "http://localhost:1"


def test_a_loopback_endpoint_in_the_environment_is_the_local_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4711")
    assert options.reach("local").environment["AWS_ENDPOINT_URL"] == "http://localhost:4711"


def test_data_is_destroyed_only_for_one_who_types_the_studys_name() -> None:
    from headrace.cli.deploy import _confirm
    from headrace.plan import load

    @click.command()
    def ask() -> None:
        _confirm(load("speeches"), ["a-stack"], "account 1", data=True, yes=False)
        click.echo("gone")

    assert "gone" in CliRunner().invoke(ask, input="speeches\n").stdout
    assert "gone" not in CliRunner().invoke(ask, input="yes\n").stdout


def test_a_leftover_ready_file_is_cleaned_away(tmp_path: Path) -> None:
    from headrace import local_process

    files = Files(tmp_path)
    files.ready.write_text(
        json.dumps({"endpoint": "http://localhost:1", "port": 1, "pid": 2**22 + 1, "data": "x"})
    )
    assert local_process.find(files) is None
    assert not files.ready.exists()
