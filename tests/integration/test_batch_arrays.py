"""Arrays of jobs, and jobs that depend on others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.batch_jobs import Batch
from tests.integration.conftest import Running
from tests.integration.deployed import wait_until


@pytest.fixture(scope="module")
def batch(cloud: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    made = Batch(cloud, tmp_path_factory.mktemp("image"))
    yield made
    made.clean()


@pytest.fixture(scope="module")
def queue(batch: Batch) -> str:
    return batch.queue(batch.environment())


def array(size: int, **more: Any) -> dict[str, Any]:
    return {"arrayProperties": {"size": size}} | more


def test_an_array_and_its_children(batch: Batch, queue: str) -> None:
    code = "echo $AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE"
    told = batch.run(queue, batch.define("sh", "-c", code), **array(3))
    assert told["status"] == "SUCCEEDED"
    assert told["arrayProperties"]["size"] == 3
    assert told["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 3
    parent = told["jobId"]
    for index in range(3):
        child = batch.describe(f"{parent}:{index}")
        assert child["arrayProperties"]["index"] == index
        assert batch.printed(child) == [f"{index} of 3"]
    children = batch.listed(arrayJobId=parent, jobStatus="SUCCEEDED")
    assert sorted(children) == [f"{parent}:{index}" for index in range(3)]
    assert f"{parent}:0" not in batch.listed(jobQueue=queue, jobStatus="SUCCEEDED")


def test_a_child_that_fails_fails_its_array_in_the_end(batch: Batch, queue: str) -> None:
    code = "test $AWS_BATCH_JOB_ARRAY_INDEX = 0 && exit 1; sleep 0.5"
    parent = batch.submit(queue, batch.define("sh", "-c", code), **array(3))
    assert batch.ended(f"{parent}:0")["status"] == "FAILED"
    assert batch.describe(parent)["status"] == "PENDING"
    told = batch.ended(parent)
    assert (told["status"], told["statusReason"]) == ("FAILED", "Array Child Job failed")
    summary = told["arrayProperties"]["statusSummary"]
    assert (summary["SUCCEEDED"], summary["FAILED"]) == (2, 1)


def test_children_are_tried_again_by_themselves(batch: Batch, queue: str) -> None:
    code = "test $AWS_BATCH_JOB_ARRAY_INDEX = 0 || test $AWS_BATCH_JOB_ATTEMPT = 2"
    strategy = {"retryStrategy": {"attempts": 2}}
    told = batch.run(queue, batch.define("sh", "-c", code), **array(2), **strategy)
    assert told["status"] == "SUCCEEDED"
    tried = [len(batch.describe(f"{told['jobId']}:{n}")["attempts"]) for n in range(2)]
    assert tried == [1, 2]


def test_an_array_is_ended_as_a_whole(batch: Batch, queue: str) -> None:
    parent = batch.submit(queue, batch.define("sleep", "300"), **array(2))
    wait_until(lambda: batch.listed(arrayJobId=parent))
    batch.api.terminate_job(jobId=parent, reason="enough")
    told = batch.ended(parent)
    assert (told["status"], told["statusReason"]) == ("FAILED", "enough")
    assert batch.describe(f"{parent}:1")["statusReason"] == "enough"


def test_a_job_after_a_job(batch: Batch, queue: str) -> None:
    first = batch.submit(queue, batch.define("sleep", "0.5"))
    second = batch.submit(queue, batch.define("true"), dependsOn=[{"jobId": first}])
    assert batch.until(second, "PENDING")["dependsOn"] == [{"jobId": first}]
    assert batch.ended(second)["startedAt"] >= batch.ended(first)["stoppedAt"]


def test_after_a_job_that_fails_none_begins(batch: Batch, queue: str) -> None:
    first = batch.submit(queue, batch.define("false"))
    second = batch.submit(queue, batch.define("true"), dependsOn=[{"jobId": first}])
    third = batch.submit(queue, batch.define("true"), dependsOn=[{"jobId": second}], **array(2))
    told = batch.ended(third)
    assert (told["status"], told["statusReason"]) == ("FAILED", "Dependent Job failed")
    assert batch.describe(second)["attempts"] == []


def test_children_one_after_another(batch: Batch, queue: str) -> None:
    definition = batch.define("sleep", "0.1")
    told = batch.run(queue, definition, **array(3), dependsOn=[{"type": "SEQUENTIAL"}])
    children = [batch.describe(f"{told['jobId']}:{index}") for index in range(3)]
    for before, after in itertools.pairwise(children):
        assert before["stoppedAt"] <= after["startedAt"]


def test_children_after_children(batch: Batch, queue: str) -> None:
    code = "test $AWS_BATCH_JOB_ARRAY_INDEX = 0 && sleep 300; true"
    first = batch.submit(queue, batch.define("sh", "-c", code), **array(2))
    depends = {"dependsOn": [{"jobId": first, "type": "N_TO_N"}]}
    second = batch.submit(queue, batch.define("true"), **array(2), **depends)
    assert batch.ended(f"{second}:1")["status"] == "SUCCEEDED"
    assert batch.describe(f"{second}:0")["status"] == "PENDING"
    batch.api.terminate_job(jobId=first, reason="enough")
    assert batch.ended(second)["arrayProperties"]["statusSummary"]["FAILED"] == 1


def test_refusals(batch: Batch, queue: str) -> None:
    definition = batch.define("true")

    def refused(**more: Any) -> str:
        return batch.refusal(batch.submit, queue=queue, definition=definition, **more)

    assert "2 to 10000; found 1" in refused(**array(1))
    assert "Job none does not exist" in refused(dependsOn=[{"jobId": "none"}])
    assert "SEQUENTIAL is for array jobs" in refused(dependsOn=[{"type": "SEQUENTIAL"}])
    parent = batch.submit(queue, definition, **array(2))
    depends = [{"jobId": parent, "type": "N_TO_N"}]
    assert "arrays of one size" in refused(**array(3), dependsOn=depends)
