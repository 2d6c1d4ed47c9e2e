"""A copy of the project with a local cloud of its own: what a user has after `make setup`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = (
    *("headrace", "stream", "lambdas", "emr_steps", "infra", "localcloud", "studies", "tasks"),
    *("app.py", "cdk.json"),
)
LINKS = (".venv", "node_modules", ".cache", "requirements")


@dataclass(frozen=True)
class House:
    """A project folder, its local cloud, and the environment that `headrace env` prints."""

    root: Path
    environment: dict[str, str]

    def headrace(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the tool as a user would; fails the test where it fails, unless `check=False`."""
        command = [sys.executable, "-m", "headrace", *words]
        settings: dict[str, Any] = {"check": False, "timeout": 280} | options
        must = "check" not in options
        done = subprocess.run(
            command, cwd=self.root, env=self.environment, text=True, capture_output=True, **settings
        )
        assert done.returncode == 0 or not must, (
            f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done

    def facts(self, *words: str) -> Any:
        """What a verb prints with `--json`."""
        return json.loads(self.headrace(*words, "--json").stdout)

    def client(self, service: str) -> Any:
        """Make an ordinary boto3 client: only the endpoint differs."""
        return self.session().client(service, endpoint_url=self.environment["AWS_ENDPOINT_URL"])

    def resource(self, service: str) -> Any:
        """Make an ordinary boto3 resource."""
        return self.session().resource(service, endpoint_url=self.environment["AWS_ENDPOINT_URL"])

    def session(self) -> boto3.Session:
        """A session with the credentials that `headrace env` prints."""
        e = self.environment
        return boto3.Session(e["AWS_ACCESS_KEY_ID"], e["AWS_SECRET_ACCESS_KEY"], None, "us-east-1")


def build(root: Path) -> House:
    """Copy the sources to `root`, start a cloud there and deploy the flagship."""
    for name in SOURCES:
        source, to = PROJECT / name, root / name
        if source.is_dir():
            shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to)
    (PROJECT / ".cache").mkdir(exist_ok=True)
    for name in LINKS:
        (root / name).symlink_to(PROJECT / name)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HEADRACE_", "CDK_"))}
    environment = kept | {
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "",
        "HEADRACE_STATE": str(root / ".headrace"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    house = House(root, environment)
    try:
        house.headrace("up")
        printed = house.headrace("env", "--json")
    except BaseException:  # a cloud that came up half way must not outlive its test
        house.headrace("down", check=False)
        raise
    return House(root, environment | json.loads(printed.stdout))


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The flagship deployed on a local cloud, for tests that leave its settings alone."""
    root = tmp_path_factory.mktemp("house")
    built = build(root)
    try:
        built.headrace("deploy", "speeches")
        yield built
    finally:
        built.headrace("down", check=False)
