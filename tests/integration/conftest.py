"""One local cloud for the whole session; tests talk to it by boto3, as users do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
START_S = 60  # a cold page cache on two busy cores; warm it takes 2 to 3 s


@dataclass(frozen=True)
class Running:
    """A local cloud that answers.

    Parameters
    ----------
    endpoint : str
        ``http://localhost:PORT``.
    data : Path
        The cloud's own data folder.
    log : Path
        What its process printed.
    """

    endpoint: str
    data: Path
    log: Path
    pid: int
    account: str = "123456789012"
    region: str = "us-east-1"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a child that talks to this cloud: the cdk, the aws CLI, Python."""
        mine = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CDK_"))}
        mine.pop("PYTHONDONTWRITEBYTECODE", None)
        return mine | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }

    def _words(self) -> dict[str, Any]:
        return {
            "region_name": self.region,
            "endpoint_url": self.endpoint,
            "aws_access_key_id": "local",
            "aws_secret_access_key": "local",
            "config": Config(retries={"total_max_attempts": 1}),
        }

    def client(self, service: str) -> Any:
        """Make a boto3 client that tries once."""
        return boto3.client(service, **self._words())

    def resource(self, service: str) -> Any:
        """Make a boto3 resource that tries once."""
        return boto3.resource(service, **self._words())


class FailedError(Exception):
    """A stack's operation ended in a failure; its events say why."""


class Stacks:
    """Deploys templates by change sets, as the cdk does, and remembers them.

    Parameters
    ----------
    cloud : Running
        Where to.
    """

    Failed = FailedError

    def __init__(self, cloud: Running) -> None:
        self.api = cloud.client("cloudformation")
        self.names: list[str] = []

    def new(self) -> str:
        """Make up the name of a stack; it is deleted after the test."""
        self.names.append(f"t{uuid.uuid4().hex[:10]}")
        return self.names[-1]

    def deploy(self, name: str, template: dict[str, Any], **words: Any) -> dict[str, str]:
        """Create or update a stack, and give its outputs.

        Raises
        ------
        FailedError
            With the status that the stack ended in, and the events that say why.
        """
        self.change_set(name, template, **words)
        self.api.execute_change_set(StackName=name, ChangeSetName="c")
        status = self.settled(name)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            told = [each for each in self.events(name) if each[1].endswith("_FAILED")]
            raise FailedError(f"{status}: {told}")
        return self.outputs(name)

    def change_set(self, name: str, template: dict[str, Any], **words: Any) -> dict[str, Any]:
        """Create a change set named `c`, and describe it."""
        kind = "UPDATE" if self.exists(name) else "CREATE"
        words = {"TemplateBody": json.dumps(template), **words}
        self.api.create_change_set(StackName=name, ChangeSetName="c", ChangeSetType=kind, **words)
        found: dict[str, Any] = self.api.describe_change_set(StackName=name, ChangeSetName="c")
        return found

    def exists(self, name: str) -> bool:
        """Whether a stack is there."""
        try:
            return self.status(name) != "REVIEW_IN_PROGRESS"
        except ClientError:
            return False

    def status(self, name: str) -> str:
        """A stack's status."""
        return str(self.api.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    def settled(self, name: str) -> str:
        """Wait until nothing goes on in a stack; give its status."""
        while (status := self.status(name)).endswith("_IN_PROGRESS"):
            time.sleep(0.1)
        return status

    def outputs(self, name: str) -> dict[str, str]:
        """A stack's outputs."""
        stack = self.api.describe_stacks(StackName=name)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}

    def events(self, name: str) -> list[tuple[str, str, str]]:
        """Logical id, status and reason of a stack's events, the oldest first."""
        found = self.api.describe_stack_events(StackName=name)["StackEvents"]
        return [
            (e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason", ""))
            for e in reversed(found)
        ]

    def delete(self, name: str) -> str:
        """Delete a stack; give the status that it ends in."""
        stack_id = self.api.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        self.api.delete_stack(StackName=name)
        return self.settled(stack_id)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path) -> tuple[subprocess.Popen[bytes], Running]:
    """Start a local cloud in `folder`; the caller ends it with `stop`."""
    ready, log = folder / "ready.json", folder / "log.txt"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment.setdefault("LOCALCLOUD_JARS", str(ROOT / ".cache" / "jars"))
    environment.setdefault("LOCALCLOUD_IMAGES", str(ROOT / ".cache" / "images"))
    words = [sys.executable, "-m", "localcloud", "--port", str(free_port())]
    words += ["--data", str(folder / "data"), "--ready", str(ready)]
    with log.open("wb") as out:
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=out, stderr=out)
    deadline = time.monotonic() + START_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process)
            pytest.fail(f"the local cloud did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.05)
    facts = json.loads(ready.read_text())
    return process, Running(facts["endpoint"], folder / "data", log, facts["pid"])


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a local cloud and wait for it."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The session's local cloud: share it, so name what you make uniquely."""
    process, running = start(tmp_path_factory.mktemp("cloud"))
    yield running
    stop(process)


@pytest.fixture
def stacks(cloud: Running) -> Iterator[Stacks]:
    """Stacks of one test, deleted when it ends."""
    made = Stacks(cloud)
    yield made
    for name in reversed(made.names):
        if made.exists(name):
            made.api.update_termination_protection(
                StackName=name, EnableTerminationProtection=False
            )
            made.delete(name)
