"""Batch's call in states: a job submitted, followed to its end, and ended where nobody waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.batch_jobs import Batch
from tests.integration.conftest import Running
from tests.integration.deployed import Deployed, wait_until
from tests.integration.machines import Machines, one, task


@pytest.fixture(scope="module")
def batch(cloud: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    made = Batch(cloud, tmp_path_factory.mktemp("image"))
    yield made
    made.clean()


@pytest.fixture(scope="module")
def queue(batch: Batch) -> str:
    return batch.queue(batch.environment())


@pytest.fixture(scope="module")
def machines(cloud: Running) -> Iterator[Machines]:
    deployed = Deployed(cloud)
    yield Machines(deployed)
    deployed.clean()


def submit(queue: str, definition: str, call: str = "submitJob.sync", **more: Any) -> Any:
    given = {"JobName": "it", "JobQueue": queue, "JobDefinition": definition} | more
    return task(f"batch:{call}", given)


def test_a_job_is_followed_to_its_end(batch: Batch, queue: str, machines: Machines) -> None:
    definition = batch.define("sh", "-c", "echo $WORD $AWS_BATCH_JOB_ATTEMPT")
    state = submit(
        queue,
        definition,
        ContainerOverrides={
            "Command.$": "$.command",
            "Environment": [{"Name": "WORD", "Value.$": "$.word"}],
            "ResourceRequirements": [{"Type": "MEMORY", "Value": "1024"}],
        },
        Parameters={"key": "value"},
    )
    got = machines.output(one(state), {"command": ["sh", "-c", "echo it is $WORD"], "word": "so"})
    assert got["Status"] == "SUCCEEDED"
    assert got["Parameters"] == {"key": "value"}
    assert got["Container"]["ExitCode"] == 0
    assert isinstance(got["StoppedAt"], int)
    assert got["Attempts"][0]["Container"]["LogStreamName"]
    assert batch.printed(batch.describe(got["JobId"])) == ["it is so"]


def test_an_array_is_followed_to_its_end(batch: Batch, queue: str, machines: Machines) -> None:
    definition = batch.define("sh", "-c", "exit 0")
    got = machines.output(one(submit(queue, definition, ArrayProperties={"Size": 2})))
    assert got["Status"] == "SUCCEEDED"
    assert got["ArrayProperties"]["StatusSummary"]["SUCCEEDED"] == 2


def test_a_job_that_fails_fails_its_task(batch: Batch, queue: str, machines: Machines) -> None:
    got = machines.run(one(submit(queue, batch.define("sh", "-c", "exit 4"))))
    assert (got["status"], got["error"]) == ("FAILED", "States.TaskFailed")
    told = json.loads(got["cause"])
    assert (told["Status"], told["Container"]["ExitCode"]) == ("FAILED", 4)


def test_a_call_that_does_not_wait(batch: Batch, queue: str, machines: Machines) -> None:
    definition = batch.define("sh", "-c", "exit 4")
    got = machines.output(one(submit(queue, definition, "submitJob")))
    assert set(got) == {"JobArn", "JobId", "JobName"}
    assert batch.ended(got["JobId"])["status"] == "FAILED"


def test_a_stopped_execution_ends_its_job(batch: Batch, queue: str, machines: Machines) -> None:
    execution = machines.start(one(submit(queue, batch.define("sleep", "300"))))
    (job,) = wait_until(lambda: batch.listed(jobQueue=queue))
    machines.api.stop_execution(executionArn=execution)
    told = batch.ended(job)
    assert (told["status"], told["isTerminated"]) == ("FAILED", True)


def test_refusals_are_errors_by_name(batch: Batch, queue: str, machines: Machines) -> None:
    got = machines.run(one(submit(queue, "none-such")))
    assert got["error"] == "Batch.ClientException"
    assert "JobDefinition none-such does not exist" in got["cause"]
    assert "Service: AWSBatch; Status Code: 400" in got["cause"]
    got = machines.run(one(submit(queue, "none-such", ArrayProperties={"Size": 1})))
    assert got["error"] == "Batch.ClientException"
