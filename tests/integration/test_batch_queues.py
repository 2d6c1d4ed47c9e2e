"""Where jobs wait, and why: queues, their environments, hosts, and jobs before them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.integration.batch_jobs import Batch, size
from tests.integration.conftest import Running
from tests.integration.deployed import wait_until


@pytest.fixture(scope="module")
def batch(cloud: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    made = Batch(cloud, tmp_path_factory.mktemp("image"))
    yield made
    made.clean()


def why(batch: Batch, job: str) -> str:
    """Why a job waits, once that is known."""
    told = wait_until(lambda: batch.describe(job).get("statusReason"))
    assert batch.describe(job)["status"] == "RUNNABLE"
    return str(told)


def on_ec2(batch: Batch, vcpus: int, memory: int) -> str:
    needs = size(str(vcpus), memory)
    given = {"image": batch.image, "command": ["sleep", "300"], "resourceRequirements": needs}
    return batch.define(platformCapabilities=["EC2"], containerProperties=given)


def test_a_job_waits_for_vcpus_and_for_those_before_it(batch: Batch) -> None:
    queue = batch.queue(batch.environment(most=1))
    container = batch.container("sleep", "300", resourceRequirements=size("1", 2048))
    definition = batch.define(containerProperties=container)
    first = batch.submit(queue, definition)
    batch.until(first, "RUNNING")
    second = batch.submit(queue, definition)
    third = batch.submit(queue, batch.define("true"))
    assert "asks 1 vCPUs, 0 of environment" in why(batch, second)
    assert why(batch, third) == f"Waits behind job {second}, the first of its queue"
    batch.api.terminate_job(jobId=first, reason="enough")
    batch.until(second, "RUNNING")
    batch.api.cancel_job(jobId=third, reason="no need")
    told = batch.ended(third)
    assert (told["status"], told["statusReason"]) == ("FAILED", "no need")
    assert (told["isCancelled"], told["isTerminated"]) == (True, False)
    assert (told["attempts"], "startedAt" in told) == ([], False)


def test_what_never_fits_says_so(batch: Batch) -> None:
    queue = batch.queue(batch.environment("EC2", most=4))  # of m5.large: 8 GiB, 2 vCPUs
    told = why(batch, batch.submit(queue, on_ec2(batch, 1, 8192)))
    assert told.startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - ")
    assert told.endswith(": asks 8,192 MB, the largest host offers 7,680")
    queue = batch.queue(batch.environment("EC2", most=4))
    told = why(batch, batch.submit(queue, on_ec2(batch, 4, 1024)))
    assert told.endswith(": asks 4 vCPUs, the largest host offers 2")
    queue = batch.queue(batch.environment("EC2", most=4))
    told = why(batch, batch.submit(queue, on_ec2(batch, 8, 1024)))
    assert told.startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - ")
    assert "asks 8 vCPUs" in told


def test_what_this_machine_has_not_says_so(batch: Batch) -> None:
    environment = batch.environment("EC2", most=512, instanceTypes=["u7in-16tb.224xlarge"])
    told = why(batch, batch.submit(batch.queue(environment), on_ec2(batch, 1, 8 << 20)))
    found = re.search(r"asks 8,388,608 MB, the largest host offers ([\d,]+) \(this machine\)", told)
    assert found
    assert 0 < int(found[1].replace(",", "")) < 8 << 20


def test_a_full_environment_hands_on_to_the_next(batch: Batch) -> None:
    small, large = batch.environment(most=1), batch.environment(most=4)
    queue = batch.queue(small, large)
    container = batch.container("sleep", "300", resourceRequirements=size("1", 2048))
    definition = batch.define(containerProperties=container)
    for environment in (small, large):
        job = batch.submit(queue, definition)
        told = batch.until(job, "RUNNING")
        assert environment.rpartition("/")[2] in told["container"]["taskArn"]


def test_the_queue_of_higher_priority_goes_first(batch: Batch) -> None:
    environment = batch.environment(most=1)
    low, high = batch.queue(environment), batch.queue(environment, priority=10)
    container = batch.container("sh", "-c", "sleep 0.2", resourceRequirements=size("1", 2048))
    definition = batch.define(containerProperties=container)
    blocking = {"containerOverrides": {"command": ["sleep", "300"]}}
    first = batch.submit(low, definition, **blocking)
    batch.until(first, "RUNNING")
    later = batch.submit(low, definition)
    sooner = batch.submit(high, definition)
    why(batch, later), why(batch, sooner)
    batch.api.terminate_job(jobId=first, reason="enough")
    assert batch.ended(sooner)["stoppedAt"] <= batch.ended(later)["startedAt"]


def test_a_disabled_environment_and_queue(batch: Batch) -> None:
    environment = batch.environment()
    queue = batch.queue(environment)
    batch.api.update_compute_environment(computeEnvironment=environment, state="DISABLED")
    definition = batch.define("true")
    job = batch.submit(queue, definition)
    assert why(batch, job).startswith("ACTION_REQUIRED - ")
    batch.api.update_compute_environment(computeEnvironment=environment, state="ENABLED")
    assert batch.ended(job)["status"] == "SUCCEEDED"
    batch.api.update_job_queue(jobQueue=queue, state="DISABLED")
    told = batch.refusal(batch.submit, queue=queue, definition=definition)
    assert f"Job queue {queue} is DISABLED" in told


def test_a_queues_jobs_end_with_it(batch: Batch) -> None:
    queue = batch.queue(batch.environment(most=1))
    container = batch.container("sleep", "300", resourceRequirements=size("1", 2048))
    jobs = [batch.submit(queue, batch.define(containerProperties=container)) for _ in range(2)]
    batch.until(jobs[0], "RUNNING")
    batch.api.update_job_queue(jobQueue=queue, state="DISABLED")
    batch.api.delete_job_queue(jobQueue=queue)
    for job in jobs:
        assert batch.ended(job)["statusReason"] == "The job queue was deleted"


def test_a_definition_goes_to_a_queue_of_its_platform(batch: Batch) -> None:
    queue = batch.queue(batch.environment("EC2"))
    told = batch.refusal(batch.submit, queue=queue, definition=batch.define("true"))
    assert "has the platform capability FARGATE" in told


def test_what_queues_and_environments_have_not_is_refused_by_name(batch: Batch) -> None:
    order = [{"order": 0, "computeEnvironment": batch.environment()}]
    words = {"jobQueueName": "bad", "priority": 1, "computeEnvironmentOrder": order}
    policy = "arn:aws:batch:us-east-1:123456789012:scheduling-policy/p"
    told = batch.refusal(batch.api.create_job_queue, **words, schedulingPolicyArn=policy)
    assert "createjobqueue.schedulingPolicyArn" in told
    told = batch.refusal(
        batch.api.create_compute_environment, computeEnvironmentName="bad", type="UNMANAGED"
    )
    assert "UNMANAGED" in told
