"""Batch jobs, made by boto3 as a user would, of an image built and pushed for them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import ROOT, Running
from tests.integration.deployed import unique, wait_until

Shape = dict[str, Any]

OVER = ("SUCCEEDED", "FAILED")
DOCKERFILE = """
FROM python:3.12-slim-bookworm
WORKDIR /app
COPY greeting.txt .
ENV GREETING=hello
CMD ["python", "-c", "print(open('greeting.txt').read())"]
"""

#: Of each cloud the image that was pushed into it: that takes seconds, and all jobs can have one.
_pushed: dict[str, str] = {}


def size(vcpus: str = "0.25", memory: int = 512) -> list[Shape]:
    """Give resourceRequirements."""
    return [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": str(memory)}]


class Batch:
    """An image, environments, queues; jobs, which it ends when it is cleaned."""

    def __init__(self, cloud: Running, folder: Path) -> None:
        self.cloud, self.api = cloud, cloud.client("batch")
        self.logs = cloud.client("logs")
        self.name = unique("batch")
        iam, ec2 = cloud.client("iam"), cloud.client("ec2")
        made = iam.create_role(RoleName=self.name, AssumeRolePolicyDocument="{}")
        self.role = made["Role"]["Arn"]
        made = iam.create_instance_profile(InstanceProfileName=self.name)
        self.profile = made["InstanceProfile"]["Arn"]
        self.subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        self.group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        if cloud.endpoint not in _pushed:
            _pushed[cloud.endpoint] = self._push(folder)
        self.image = _pushed[cloud.endpoint]
        self._made: list[str] = []

    def _push(self, folder: Path) -> str:
        repository = self.cloud.client("ecr").create_repository(repositoryName=self.name)
        name = f"{repository['repository']['repositoryUri']}:one"
        (folder / "Dockerfile").write_text(DOCKERFILE)
        (folder / "greeting.txt").write_text("by default")
        kept = os.environ.get("LOCALCLOUD_IMAGES", str(ROOT / ".cache" / "images"))
        own = {"LOCALCLOUD_IMAGES": kept, "LOCALCLOUD_DOCKER": str(folder / "docker")}
        words = [sys.executable, "-m", "localcloud.engines.images"]
        login = ["login", "-u", "AWS", "--password-stdin", name.partition("/")[0]]
        secret = self.cloud.client("ecr").get_authorization_token()["authorizationData"][0]
        for verb in (["build", "-t", name, str(folder)], login, ["push", name]):
            subprocess.run(
                [*words, *verb],
                check=True,
                cwd=ROOT,
                env=self.cloud.environment | own,
                input=_password(secret["authorizationToken"]),
                capture_output=True,
                text=True,
            )
        return name

    def environment(self, kind: str = "FARGATE", most: int = 16, **more: Any) -> str:
        """Make a compute environment; give its ARN."""
        given = {"type": kind, "maxvCpus": most, "subnets": [self.subnet]} | more
        given["securityGroupIds"] = [self.group]
        if not kind.startswith("FARGATE"):
            given = {
                "minvCpus": 0,
                "instanceTypes": ["m5.large"],
                "instanceRole": self.profile,
            } | given
        made = self.api.create_compute_environment(
            computeEnvironmentName=unique("environment"),
            type="MANAGED",
            state="ENABLED",
            computeResources=given,
            serviceRole=self.role,
        )
        return str(made["computeEnvironmentArn"])

    def queue(self, *environments: str, priority: int = 1) -> str:
        """Make a queue; give its name."""
        name = unique("queue")
        order = [{"order": n, "computeEnvironment": e} for n, e in enumerate(environments)]
        self.api.create_job_queue(
            jobQueueName=name, state="ENABLED", priority=priority, computeEnvironmentOrder=order
        )
        return name

    def container(self, *command: str, **more: Any) -> Shape:
        """Give the properties of a container of Fargate's."""
        given = {
            "image": self.image,
            "command": list(command),
            "resourceRequirements": size(),
            "executionRoleArn": self.role,
            "jobRoleArn": self.role,
        }
        return given | more

    def define(self, *command: str, **more: Any) -> str:
        """Register a definition for Fargate; give its name with the revision."""
        given = {
            "jobDefinitionName": unique("definition"),
            "type": "container",
            "platformCapabilities": ["FARGATE"],
            "containerProperties": self.container(*command),
        } | more
        made = self.api.register_job_definition(**given)
        return f"{made['jobDefinitionName']}:{made['revision']}"

    def submit(self, queue: str, definition: str, **more: Any) -> str:
        """Submit a job; give its id."""
        given = {"jobName": "it", "jobQueue": queue, "jobDefinition": definition} | more
        self._made.append(self.api.submit_job(**given)["jobId"])
        return self._made[-1]

    def describe(self, job: str) -> Shape:
        """Describe a job."""
        found: Shape = self.api.describe_jobs(jobs=[job])["jobs"][0]
        return found

    def until(self, job: str, *states: str, limit_s: float = 20) -> Shape:
        """Wait for a state; describe the job then."""
        told: Shape = wait_until(
            lambda: (d := self.describe(job))["status"] in states and d, limit_s
        )
        return told

    def ended(self, job: str) -> Shape:
        """Wait for a job's end."""
        return self.until(job, *OVER)

    def run(self, queue: str, definition: str, **more: Any) -> Shape:
        """Submit a job and wait for its end."""
        return self.ended(self.submit(queue, definition, **more))

    def listed(self, **asked: Any) -> list[str]:
        """List the ids of jobs."""
        pages = self.api.get_paginator("list_jobs").paginate(**asked)
        return [each["jobId"] for page in pages for each in page["jobSummaryList"]]

    def printed(self, job: Shape, group: str = "/aws/batch/job") -> list[str]:
        """Give the lines of a job's log."""
        stream = job["container"]["logStreamName"]
        got = self.logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
        return [each["message"] for each in got["events"]]

    def refusal(self, call: Callable[..., Any], **words: Any) -> str:
        """Make a call that is refused; give the message."""
        with pytest.raises(ClientError) as fault:
            call(**words)
        told = fault.value.response["Error"]
        assert told["Code"] == "ClientException"
        return str(told["Message"])

    def clean(self) -> None:
        """End all jobs that are left."""
        for job in self._made:
            self.api.terminate_job(jobId=job, reason="the tests are over")
        for job in self._made:
            self.ended(job)


def _password(token: str) -> str:
    return base64.b64decode(token).decode().partition(":")[2]


def alive(pids: Iterable[int], wait_s: float = 5) -> list[int]:
    """Give those of some processes that are there a moment later."""
    known, deadline = list(pids), time.monotonic() + wait_s
    while (left := [pid for pid in known if Path(f"/proc/{pid}").exists()]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.05)
    return left


def advance(cloud: Running, seconds: float) -> None:
    """Move a cloud's clock on."""
    body = json.dumps({"advance_s": seconds}).encode()
    asked = urllib.request.Request(f"{cloud.endpoint}/_localcloud/clock", data=body)
    with urllib.request.urlopen(asked) as answer:
        assert json.loads(answer.read())["now"] > 0
