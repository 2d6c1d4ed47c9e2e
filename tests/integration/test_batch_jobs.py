"""Batch's jobs: what a container is given, prints and exits with, and what is told of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.batch_jobs import Batch, advance, alive, size
from tests.integration.conftest import Running
from tests.integration.deployed import unique, wait_until

#: Holds so many MB; a child that left the group holds them too.
HOLD = "import sys, time; x = b'1' * (int(sys.argv[1]) << 20); print('held'); time.sleep(60)"
#: Prints the pids of itself and of a child in a session of its own.
BREED = """
import os, subprocess, time
child = subprocess.Popen(["sleep", "300"], start_new_session=True)
print(os.getpid(), child.pid, flush=True)
time.sleep(300)
"""


@pytest.fixture(scope="module")
def batch(cloud: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    made = Batch(cloud, tmp_path_factory.mktemp("image"))
    yield made
    made.clean()


@pytest.fixture(scope="module")
def queue(batch: Batch) -> str:
    return batch.queue(batch.environment())


def test_a_job_from_its_submission_to_its_end(batch: Batch, queue: str) -> None:
    told = batch.run(queue, batch.define("sh", "-c", "echo $GREETING; cat greeting.txt; exit 3"))
    assert told["status"] == "FAILED"
    assert told["statusReason"] == "Essential container in task exited"
    assert told["container"]["exitCode"] == 3
    assert told["createdAt"] <= told["startedAt"] <= told["stoppedAt"]
    (attempt,) = told["attempts"]
    assert attempt["container"]["exitCode"] == 3
    assert attempt["container"]["logStreamName"] == told["container"]["logStreamName"]
    assert batch.printed(told) == ["hello", "by default"]


def test_what_a_container_finds(batch: Batch, queue: str) -> None:
    code = "import json, os; print(json.dumps([dict(os.environ), os.getcwd()]))"
    told = batch.run(queue, batch.define("python", "-c", code))
    found, folder = json.loads(batch.printed(told)[0])
    assert told["status"] == "SUCCEEDED", told
    assert found["AWS_BATCH_JOB_ID"] == told["jobId"]
    assert found["AWS_BATCH_JOB_ATTEMPT"] == "1"
    assert found["AWS_BATCH_JQ_NAME"] == queue
    assert found["AWS_ENDPOINT_URL"] == batch.cloud.endpoint
    assert found["AWS_ACCESS_KEY_ID"]
    assert "AWS_BATCH_JOB_ARRAY_INDEX" not in found
    assert {"PYTEST_CURRENT_TEST", "LOCALCLOUD_IMAGES", "VIRTUAL_ENV"}.isdisjoint(found)
    assert not Path(folder).exists()


def test_what_a_container_writes_is_its_own(batch: Batch, queue: str) -> None:
    code = "echo more > new.txt; echo x > $HOME/y; echo x > $TMPDIR/y; ls"
    definition = batch.define("sh", "-c", code)
    for _ in range(2):
        assert batch.printed(batch.run(queue, definition)) == ["greeting.txt", "new.txt"]


def test_on_fargate_credentials_come_with_a_role(batch: Batch, queue: str) -> None:
    container = batch.container("sh", "-c", "echo ${AWS_ACCESS_KEY_ID:-none}")
    container.pop("jobRoleArn")
    told = batch.run(queue, batch.define(containerProperties=container))
    assert batch.printed(told) == ["none"]


def test_changes_of_a_request(batch: Batch, queue: str) -> None:
    container = batch.container("echo", "Ref::word", "Ref::other", "Ref::none")
    container["environment"] = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    definition = batch.define(containerProperties=container, parameters={"word": "a", "other": "b"})
    told = batch.run(queue, definition, parameters={"other": "c"})
    assert batch.printed(told) == ["a c Ref::none"]
    change = {
        "command": ["sh", "-c", "echo $A $B $C"],
        "environment": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}],
        "resourceRequirements": [{"type": "MEMORY", "value": "1024"}],
    }
    told = batch.run(queue, definition, containerOverrides=change)
    assert batch.printed(told) == ["1 3 4"]
    asked = {each["type"]: each["value"] for each in told["container"]["resourceRequirements"]}
    assert asked == {"VCPU": "0.25", "MEMORY": "1024"}


def test_lines_arrive_while_it_runs(batch: Batch, queue: str) -> None:
    group = unique("group")
    batch.logs.create_log_group(logGroupName=group)
    options = {"awslogs-group": group, "awslogs-stream-prefix": "mine"}
    container = batch.container("sh", "-c", "echo one; echo two >&2; sleep 300")
    container["logConfiguration"] = {"logDriver": "awslogs", "options": options}
    job = batch.submit(queue, batch.define(containerProperties=container))
    told = batch.until(job, "RUNNING")
    wait_until(lambda: batch.printed(told, group) == ["one", "two"])
    assert told["container"]["logStreamName"].startswith("mine/default/")
    assert batch.describe(job)["status"] == "RUNNING"


def test_a_log_group_that_is_not_there(batch: Batch, queue: str) -> None:
    container = batch.container("true")
    options = {"awslogs-group": "none-such"}
    container["logConfiguration"] = {"logDriver": "awslogs", "options": options}
    told = batch.run(queue, batch.define(containerProperties=container))
    assert told["statusReason"] == "Task failed to start"
    assert told["container"]["reason"].startswith("ResourceInitializationError: ")
    options["awslogs-create-group"] = "true"
    told = batch.run(queue, batch.define(containerProperties=container))
    assert told["status"] == "SUCCEEDED"


def test_an_image_that_is_not_there(batch: Batch, queue: str) -> None:
    container = batch.container("true", image=batch.image.replace(":one", ":two"))
    told = batch.run(queue, batch.define(containerProperties=container))
    assert told["status"] == "FAILED"
    assert told["statusReason"].startswith("CannotPullContainerError: ")
    assert "exitCode" not in told["container"]


def test_a_program_that_is_not_there(batch: Batch, queue: str) -> None:
    told = batch.run(queue, batch.define("none-such"))
    assert told["statusReason"] == "Task failed to start"
    assert told["container"]["reason"].startswith("CannotStartContainerError: ")


def test_the_images_own_command(batch: Batch, queue: str) -> None:
    assert batch.printed(batch.run(queue, batch.define())) == ["by default"]


def test_memory_is_held_to_what_was_asked(batch: Batch, queue: str) -> None:
    definition = batch.define("python", "-c", HOLD, "300")
    assert batch.until(batch.submit(queue, definition), "RUNNING")
    change = {"command": ["python", "-c", HOLD, "700"]}
    told = batch.run(queue, definition, containerOverrides=change)
    assert (told["status"], told["container"]["exitCode"]) == ("FAILED", 137)
    words = "OutOfMemoryError: Container killed due to memory usage"
    assert told["container"]["reason"] == words
    assert told["statusReason"] == "Essential container in task exited"


def test_tried_again_as_the_strategy_says(batch: Batch, queue: str) -> None:
    code = "test $AWS_BATCH_JOB_ATTEMPT = 3 || exit 75"
    rules = [
        {"onExitCode": "75", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ]
    strategy = {"attempts": 4, "evaluateOnExit": rules}
    definition = batch.define("sh", "-c", code, retryStrategy=strategy)
    told = batch.run(queue, definition)
    assert told["status"] == "SUCCEEDED"
    assert [each["container"]["exitCode"] for each in told["attempts"]] == [75, 75, 0]
    change = {"command": ["sh", "-c", "exit 1"]}
    told = batch.run(queue, definition, containerOverrides=change)
    assert (told["status"], len(told["attempts"])) == ("FAILED", 1)


def test_an_attempt_that_takes_too_long(batch: Batch, queue: str) -> None:
    told = {"timeout": {"attemptDurationSeconds": 600}, "retryStrategy": {"attempts": 3}}
    job = batch.submit(queue, batch.define("python", "-c", BREED), **told)
    line = wait_until(lambda: batch.printed(batch.until(job, "RUNNING")))[0]
    advance(batch.cloud, 700)
    ended = batch.ended(job)
    assert (ended["status"], len(ended["attempts"])) == ("FAILED", 1)
    assert ended["statusReason"] == "Job attempt duration exceeded timeout"
    assert alive(map(int, line.split())) == []


def test_terminated(batch: Batch, queue: str) -> None:
    job = batch.submit(queue, batch.define("python", "-c", BREED), retryStrategy={"attempts": 3})
    line = wait_until(lambda: batch.printed(batch.until(job, "RUNNING")))[0]
    batch.api.cancel_job(jobId=job, reason="too late")
    time.sleep(0.2)
    assert batch.describe(job)["status"] == "RUNNING"
    batch.api.terminate_job(jobId=job, reason="enough")
    told = batch.ended(job)
    assert (told["status"], told["statusReason"]) == ("FAILED", "enough")
    assert (told["isTerminated"], len(told["attempts"])) == (True, 1)
    assert told["container"]["exitCode"] == 143
    assert alive(map(int, line.split())) == []


def test_a_container_may_end_in_its_own_way(batch: Batch, queue: str) -> None:
    code = "trap 'echo tidied; exit 9' TERM; echo ready; while :; do sleep 0.1; done"
    job = batch.submit(queue, batch.define("sh", "-c", code))
    wait_until(lambda: batch.printed(batch.until(job, "RUNNING")) == ["ready"])
    batch.api.terminate_job(jobId=job, reason="enough")
    told = batch.ended(job)
    assert (told["status"], told["container"]["exitCode"]) == ("FAILED", 9)
    assert batch.printed(told) == ["ready", "tidied"]


def test_what_can_not_be_honoured_is_refused_by_name(batch: Batch, queue: str) -> None:
    def refused(**more: object) -> str:
        return batch.refusal(batch.define, containerProperties=batch.container("true") | more)

    secret = [{"name": "A", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/a"}]
    assert "containerProperties.secrets" in refused(secrets=secret)
    assert "containerProperties.privileged" in refused(privileged=True)
    assert "logDriver" in refused(logConfiguration={"logDriver": "splunk"})
    told = refused(resourceRequirements=[*size(), {"type": "GPU", "value": "1"}])
    assert "GPU is not applicable for Fargate." in told
    told = refused(resourceRequirements=size("1", 4000))
    assert "Fargate resource requirements (1.00 vCPU, 4000 MiB) not valid." in told
    assert "vcpus is not applicable for Fargate" in refused(vcpus=1)
    definition = batch.define("true")
    told = batch.refusal(batch.submit, queue=queue, definition=definition, shareIdentifier="a")
    assert "SubmitJob.shareIdentifier" in told
    told = batch.refusal(batch.submit, queue=queue, definition="none-such")
    assert "none-such" in told
    batch.api.deregister_job_definition(jobDefinition=definition)
    assert "not active" in batch.refusal(batch.submit, queue=queue, definition=definition)


def test_definitions_are_told_as_they_were_given(batch: Batch) -> None:
    given = {
        "timeout": {"attemptDurationSeconds": 60},
        "retryStrategy": {"attempts": 2},
        "parameters": {"a": "b"},
        "tags": {"study": "s"},
    }
    name = batch.define("true", **given).partition(":")[0]
    batch.define("false", jobDefinitionName=name)
    batch.api.deregister_job_definition(jobDefinition=f"{name}:1")
    found = batch.api.describe_job_definitions(jobDefinitionName=name)["jobDefinitions"]
    assert [(each["revision"], each["status"]) for each in found] == [
        (1, "INACTIVE"),
        (2, "ACTIVE"),
    ]
    assert {key: found[0][key] for key in given} == given
    active = batch.api.describe_job_definitions(jobDefinitions=[name], status="ACTIVE")
    assert [each["revision"] for each in active["jobDefinitions"]] == [2]


def test_jobs_are_listed(batch: Batch, queue: str) -> None:
    here, name = batch.queue(batch.environment()), unique("listed")
    definition = batch.define("sh", "-c", "true")
    first = batch.submit(here, definition, jobName=f"{name}-a")
    batch.ended(first)
    second = batch.submit(here, definition, jobName=f"{name}-b")
    batch.ended(second)
    assert batch.listed(jobQueue=here) == []  # RUNNING
    assert batch.listed(jobQueue=here, jobStatus="SUCCEEDED") == [second, first]
    by_name = [{"name": "JOB_NAME", "values": [f"{name.upper()}-A*"]}]
    assert batch.listed(jobQueue=here, filters=by_name) == [first]
    by_definition = [{"name": "JOB_DEFINITION", "values": [f"{definition.partition(':')[0]}:*"]}]
    assert batch.listed(jobQueue=here, filters=by_definition) == [second, first]
    after = str(batch.describe(first)["createdAt"])
    newer = [{"name": "AFTER_CREATED_AT", "values": [after]}]
    assert batch.listed(jobQueue=here, filters=newer) == [second]
    page = batch.api.list_jobs(jobQueue=here, jobStatus="SUCCEEDED", maxResults=1)
    assert ([each["jobId"] for each in page["jobSummaryList"]], "nextToken" in page) == (
        [second],
        True,
    )
