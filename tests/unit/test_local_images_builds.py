"""CodeBuild's builds: buildspecs, time limits, and the docker and aws that they find."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import Cloud
from localcloud.engines.images import docker
from localcloud.engines.images.codebuild import aws, buildspec
from localcloud.engines.images.codebuild.builds import Build
from localcloud.engines.images.codebuild.errors import PhaseError
from localcloud.engines.images.codebuild.life import Life


def project(*lines: str, **more: Any) -> dict[str, Any]:
    spec = {"version": 0.2, "phases": {"build": {"commands": list(lines), "finally": ["true"]}}}
    return {
        "name": "p",
        "source": {"type": "NO_SOURCE", "buildspec": json.dumps(spec)},
        "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "c"},
        "logsConfig": {"cloudWatchLogs": {"status": "DISABLED"}},
        "cache": {"type": "NO_CACHE"},
        "serviceRole": "r",
        "encryptionKey": "k",
        "timeoutInMinutes": 5,
        "queuedTimeoutInMinutes": 5,
        **more,
    }


def clock(step_s: float) -> Callable[[], float]:
    """A clock that goes on by so much whenever it is looked at."""
    times = iter(range(10**9))
    return lambda: 1e9 + step_s * next(times)


def lead(folder: Path, build: Build, places: int = 1) -> dict[str, Any]:
    Life(Cloud(1, folder), build, threading.Semaphore(places)).lead()
    assert build.over.is_set()
    assert not list((folder / "builds").glob("*"))
    return build.told()


def statuses(told: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {
        each["phaseType"]: (each["phaseStatus"], each["contexts"][0]["statusCode"])
        for each in told["phases"][:-1]
    }


def test_a_build_that_takes_too_long_is_timed_out(tmp_path: Path) -> None:
    mark = f"86400.{os.getpid()}"
    told = lead(tmp_path, Build(project(f"sleep {mark}"), 1, str, clock(10)))
    assert told["buildStatus"] == "TIMED_OUT"
    assert statuses(told)["BUILD"] == ("TIMED_OUT", "BUILD_TIMED_OUT")
    assert list(statuses(told))[-1] == "FINALIZING"
    commands = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if _readable(p)]
    assert not any(mark.encode() in each for each in commands)


def _readable(path: Path) -> bool:
    try:
        return bool(path.read_bytes())
    except OSError:
        return False


def test_a_build_that_waits_too_long_is_timed_out(tmp_path: Path) -> None:
    told = lead(tmp_path, Build(project("true"), 1, str, clock(100)), places=0)
    assert told["buildStatus"] == "TIMED_OUT"
    assert list(statuses(told)) == ["SUBMITTED", "QUEUED"]


def test_a_build_in_time_succeeds(tmp_path: Path) -> None:
    told = lead(tmp_path, Build(project("true"), 1, str, clock(0.001)))
    assert (told["buildStatus"], told["currentPhase"]) == ("SUCCEEDED", "COMPLETED")
    assert {status for status, _ in statuses(told).values()} == {"SUCCEEDED"}


def test_a_build_gives_its_place_back(tmp_path: Path) -> None:
    places = threading.Semaphore(1)
    for line in ("true", "false"):
        Life(Cloud(1, tmp_path), Build(project(line), 1, str), places).lead()
    assert places.acquire(blocking=False)


def test_a_fault_of_ours_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "builds").write_text("no folder")  # so that none can be made below
    build = Build(project("true"), 1, str)
    with pytest.raises(OSError, match="builds"):
        Life(Cloud(1, tmp_path), build, threading.Semaphore(1)).lead()
    assert build.told()["buildStatus"] == "FAULT"
    assert statuses(build.told())["PROVISIONING"] == ("FAULT", "INTERNAL_SERVICE_ERROR")


def test_a_buildspec_is_inline_or_a_file_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "buildspec.yml").write_text("default")
    (tmp_path / "other.yml").write_text("other")
    assert buildspec.text("", tmp_path) == "default"
    assert buildspec.text("other.yml", tmp_path) == "other"
    assert buildspec.text("version: 0.2\n", tmp_path) == "version: 0.2\n"
    assert buildspec.text('{"version": 0.2}', tmp_path) == '{"version": 0.2}'
    for name in ("absent.yml", "../outside.yml"):
        (tmp_path.parent / "outside.yml").write_text("x")
        with pytest.raises(PhaseError, match="no such file"):
            buildspec.text(name, tmp_path)


def test_what_a_buildspec_says() -> None:
    found = buildspec.read(
        "version: 0.2\n"
        "env:\n  variables:\n    N: 1\n  shell: bash\n"
        "phases:\n"
        "  install:\n    on-failure: CONTINUE\n    commands: [a]\n"
        "  build:\n    commands:\n      - b\n      - |\n        c\n        d\n    finally: [e]\n"
    )
    assert found.variables == {"N": "1"}
    assert found.shell == "bash"
    assert found.phases["install"] == buildspec.Phase(("a",), (), True)
    assert found.phases["build"] == buildspec.Phase(("b", "c\nd\n"), ("e",), True)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a: [", "syntax"),
        ("- a", "isn't a map"),
        ("phases: {}", "version"),
        ("version: 0.2\nphases: []", "phases to be a map"),
        ("version: 0.2\nphases: {build: {commands: a}}", "list of strings"),
        ("version: 0.2\nphases: {test: {commands: [a]}}", "test"),
        ("version: 0.2\nphases: {build: {on-failure: RETRY}}", "RETRY"),
        ("version: 0.2\nphases: {build: {run-as: root}}", "run-as"),
        ("version: 0.2\nenv: {shell: powershell.exe}", "powershell"),
        ("version: 0.2\nbatch: {}", "batch"),
    ],
)
def test_what_a_buildspec_cannot_say(text: str, named: str) -> None:
    with pytest.raises(PhaseError, match=named) as told:
        buildspec.read(text)
    assert told.value.code == "YAML_FILE_ERROR"


@pytest.mark.parametrize("words", [["run", "x"], ["build", "--squash", "."], ["push", "-a", "x"]])
def test_other_words_of_docker_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as told:
        docker.main(words)
    assert told.value.code == 125
    assert "local cloud's docker knows build" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["s3", "ls"], ["ecr", "describe-images"]])
def test_other_words_of_aws_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as told:
        aws.main(words)
    assert told.value.code == 252
    assert "get-login-password" in capsys.readouterr().err
