"""Multi-node parallel jobs: nodes that find one another, the main one's end, ranges, overrides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.batch_jobs import Batch, alive, size
from tests.integration.conftest import Running
from tests.integration.deployed import unique, wait_until

#: The main node waits for a word of each other at a port of its own address.
MEET = """
import json, os, socket
node = int(os.environ["AWS_BATCH_JOB_NODE_INDEX"])
count = int(os.environ["AWS_BATCH_JOB_NUM_NODES"])
main = os.environ.get("AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS")
if node == int(os.environ["AWS_BATCH_JOB_MAIN_NODE_INDEX"]):
    assert main is None
    with socket.create_server((os.environ["HOSTNAME"], 9111)) as server:
        met = [server.accept()[0].recv(100).decode() for _ in range(count - 1)]
    print(json.dumps(sorted(met)))
else:
    import time
    for _ in range(200):
        try:
            peer = socket.create_connection((main, 9111))
            break
        except OSError:
            time.sleep(0.05)
    peer.sendall(f"{node} {os.environ.get('WORD')}".encode())
    time.sleep(300)
"""


@pytest.fixture(scope="module")
def batch(cloud: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    made = Batch(cloud, tmp_path_factory.mktemp("image"))
    yield made
    made.clean()


@pytest.fixture(scope="module")
def queue(batch: Batch) -> str:
    return batch.queue(batch.environment("EC2", most=64))


def container(batch: Batch, *command: str) -> dict[str, Any]:
    needs = size("1", 512)
    return {"image": batch.image, "command": list(command), "resourceRequirements": needs}


def nodes(batch: Batch, *command: str, count: int = 2, main: int = 0) -> str:
    group = {"targetNodes": "0:", "container": container(batch, *command)}
    properties = {"numNodes": count, "mainNode": main, "nodeRangeProperties": [group]}
    made = batch.api.register_job_definition(
        jobDefinitionName=unique("nodes"), type="multinode", nodeProperties=properties
    )
    return str(made["jobDefinitionName"])


def node(batch: Batch, job: str, index: int) -> dict[str, Any]:
    return batch.describe(f"{job}#{index}")


def pid_of(batch: Batch, job: str, index: int) -> int:
    """What a node printed first."""
    wait_until(lambda: node(batch, job, index)["status"] == "RUNNING")
    return int(wait_until(lambda: batch.printed(node(batch, job, index)))[0])


def test_nodes_meet_and_end_with_the_main_one(batch: Batch, queue: str) -> None:
    definition = nodes(batch, "python", "-c", MEET, count=3, main=1)
    jobs = [batch.submit(queue, definition) for _ in range(2)]  # the same port, side by side
    for job in jobs:
        told = batch.ended(job)
        assert told["status"] == "SUCCEEDED", told
        assert (told["nodeProperties"]["numNodes"], "container" in told) == (3, False)
        main, other = node(batch, job, 1), node(batch, job, 2)
        assert json.loads(batch.printed(main)[0]) == ["0 None", "2 None"]
        assert main["nodeDetails"] == {"nodeIndex": 1, "isMainNode": True}
        assert (other["status"], other["container"]["exitCode"]) == ("FAILED", 143)
        assert told["attempts"][0]["container"]["exitCode"] == 0
    found = batch.listed(multiNodeJobId=jobs[0], jobStatus="FAILED")
    assert sorted(found) == [f"{jobs[0]}#0", f"{jobs[0]}#2"]


def test_another_number_of_nodes_and_overrides_of_some(batch: Batch, queue: str) -> None:
    definition = nodes(batch, "python", "-c", MEET)
    change = {"environment": [{"name": "WORD", "value": "hello"}]}
    overrides = {
        "numNodes": 4,
        "nodePropertyOverrides": [{"targetNodes": "2:", "containerOverrides": change}],
    }
    told = batch.run(queue, definition, nodeOverrides=overrides)
    found = json.loads(batch.printed(node(batch, told["jobId"], 0))[0])
    assert found == ["1 None", "2 hello", "3 hello"]


def test_a_main_node_that_fails_fails_the_job(batch: Batch, queue: str) -> None:
    code = "test $AWS_BATCH_JOB_NODE_INDEX = 0 && sleep 0.5 && exit 7; echo $$; sleep 300"
    told = batch.run(queue, nodes(batch, "sh", "-c", code), retryStrategy={"attempts": 2})
    assert told["status"] == "FAILED"
    assert [each["container"]["exitCode"] for each in told["attempts"]] == [7, 7]
    pid = int(batch.printed(node(batch, told["jobId"], 1))[0])
    assert alive([pid]) == []


def test_another_node_that_fails_is_left_to_the_program(batch: Batch, queue: str) -> None:
    code = "test $AWS_BATCH_JOB_NODE_INDEX = 1 && exit 7; sleep 1"
    job = batch.submit(queue, nodes(batch, "sh", "-c", code))
    wait_until(lambda: node(batch, job, 1)["status"] == "FAILED")
    assert batch.describe(job)["status"] == "RUNNING"
    assert batch.ended(job)["status"] == "SUCCEEDED"


def test_all_nodes_are_terminated(batch: Batch, queue: str) -> None:
    job = batch.submit(queue, nodes(batch, "sh", "-c", "echo $$; exec sleep 300"))
    pids = [pid_of(batch, job, index) for index in (0, 1)]
    batch.api.terminate_job(jobId=job, reason="enough")
    assert batch.ended(job)["statusReason"] == "enough"
    assert alive(pids) == []


def test_refusals(batch: Batch, queue: str) -> None:
    register = batch.api.register_job_definition
    group = {"targetNodes": "0:1", "container": container(batch, "true")}

    def refused(count: int, **more: Any) -> str:
        given = {"numNodes": count, "mainNode": 0, "nodeRangeProperties": [group]}
        words = {"jobDefinitionName": "bad", "type": "multinode", "nodeProperties": given} | more
        return batch.refusal(register, **words)

    assert "node 2 is in none" in refused(3)
    assert "Fargate" in refused(2, platformCapabilities=["FARGATE"])
    definition = nodes(batch, "true")
    spot = batch.queue(batch.environment("SPOT"))
    told = batch.refusal(batch.submit, queue=spot, definition=definition)
    assert "EC2 on demand" in told
    change = {"command": ["true"]}
    told = batch.refusal(
        batch.submit, queue=queue, definition=definition, containerOverrides=change
    )
    assert "not for multi-node" in told
