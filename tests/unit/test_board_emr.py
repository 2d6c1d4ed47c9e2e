"""The board of a run with a cluster, and why a step of it failed."""

from __future__ import annotations

import datetime
import gzip
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from headrace import board as boards
from headrace.board import Board
from headrace.causes import read_cause
from headrace.cli.stage_board import final_rows
from headrace.plan import Plan
from headrace.run_history import History
from headrace.stages import Spark
from headrace.step_log import first_useful, lines
from headrace.why import Evidence, Why, why
from tests.unit.run_events import RUN, START, Length, Writer, a_map, study_of

LATER = START + datetime.timedelta(hours=1)
CLUSTER = "j-2AXXXXXXGAPLF"
LOGS = f"emr-logs/{CLUSTER}"
LOG_FILE = f"s3://lake/{LOGS}/steps/s-1/stderr.gz"


def plan() -> Plan:
    """`ranks` runs on a cluster, of what `words` makes."""
    ranks = Spark("ranks", "emr_steps/graph.py", "SELECT number, words FROM words", Length)
    return study_of(a_map("words", "SELECT number, text FROM lines"), ranks)


PLAN = plan()
PROGRAM = {"file": "s3://cdk-assets/c0ffee.py", "archive": "s3://cdk-assets/a.zip", "jars": []}
MAKING = {"todo": True, "why": "for ranks", "name": "headrace-t", "ebs_gib": 32, "parallel": 1}


def on(writer: Writer, state: str, resource: str, **output: Any) -> Writer:
    """A task of EMR's, with what it gives where it succeeded."""
    writer.enter(state, "Task")
    about = {"resourceType": "elasticmapreduce", "resource": resource}
    writer.add("TaskScheduled", **about, parameters="{}")
    writer.add("TaskStarted", **about)
    if output:
        writer.add("TaskSubmitted", **about, output=json.dumps(output))
        writer.add("TaskSucceeded", **about, output=json.dumps(output))
    return writer


def making() -> Writer:
    writer = Writer().begin().whole_map("words").task("cluster: prepare", MAKING)
    return on(writer.enter("cluster: to do?", "Choice"), "cluster: create", "createCluster.sync")


def made() -> Writer:
    writer = making()
    about = {"resourceType": "elasticmapreduce", "resource": "createCluster.sync"}
    writer.add("TaskSucceeded", **about, output=json.dumps({"ClusterId": CLUSTER}))
    return writer


def at_step() -> Writer:
    writer = made().prepared("ranks").unload("ranks")
    writer.task("ranks: look", {"files": 2, "bytes": 3 << 20}, {"program": PROGRAM})
    return on(writer, "ranks: step 1", "addStep.sync")


def board_of(writer: Writer) -> Board:
    board = boards.empty(PLAN, RUN, 1)
    History(board).read(writer.events)
    return board


def test_a_stage_waits_for_its_cluster() -> None:
    board = board_of(making())
    assert board.cluster
    assert (board.cluster.state, board.cluster.why) == ("creating", "for ranks")
    assert board.why_queued(board.stages["ranks"]) == "waits for the cluster"
    board = board_of(made())
    assert board.cluster
    assert (board.cluster.state, board.cluster.words()) == ("running", f"{CLUSTER}, for ranks")


def test_steps_are_work_and_the_cluster_ends() -> None:
    writer = at_step()
    ranks = board_of(writer).stages["ranks"]
    assert (ranks.state, ranks.step, ranks.gave["look"]["files"]) == ("running", "step 1", 2)
    writer.add("TaskSucceeded", resourceType="elasticmapreduce", output='{"Step": {}}')
    writer.committed("ranks", 5, 0).enter("cluster: is one?", "Choice")
    on(writer, "cluster: terminate", "terminateCluster.sync", Cluster={})
    writer.ended("Succeeded", output="{}")
    board = board_of(writer)
    assert board.cluster
    assert board.cluster.state == "terminated"
    told = board.document(LATER)["cluster"]
    assert (told["id"], told["state"]) == (CLUSTER, "terminated")
    assert told["seconds"] > 0
    assert final_rows(board, LATER)[-1][:2] == ["(cluster)", "terminated"]


def test_a_cluster_that_nobody_ended_is_left_to_emr() -> None:
    writer = at_step()
    writer.ended("Aborted", error="Stopped", cause="headrace run --stop")
    cluster = board_of(writer).cluster
    assert cluster
    assert (cluster.state, cluster.why) == ("left", "EMR ends it after 900 s without a step")


def test_no_cluster_where_all_is_done() -> None:
    writer = Writer().begin().task("cluster: prepare", MAKING | {"todo": False, "why": "no stage"})
    cluster = board_of(writer).cluster
    assert cluster
    assert cluster.state == "not wanted"


def test_a_study_without_such_stages_has_no_cluster() -> None:
    assert (
        boards.empty(study_of(a_map("words", "SELECT number FROM lines")), RUN, 1).cluster is None
    )


def failed_step(**details: str) -> str:
    status = {"State": "FAILED", "FailureDetails": details, "StateChangeReason": {}}
    return json.dumps({"Step": {"Id": "s-1", "Name": "ranks 1/1", "Status": status}})


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        words = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        client = boto3.client("s3", region_name="us-east-1", **words)
        client.create_bucket(Bucket="lake")
        yield client


def keep(s3: Any, name: str, text: str) -> None:
    s3.put_object(Bucket="lake", Key=f"{LOGS}/{name}.gz", Body=gzip.compress(text.encode()))


def why_of(s3: Any, cause: str) -> Why:
    board = board_of(failing(cause))
    found = why(PLAN, board, Evidence({"s3": s3}.__getitem__, "lake"))
    assert found
    return found


def failing(cause: str) -> Writer:
    writer = at_step().fails("States.TaskFailed", cause)
    writer.enter("ranks: failed")
    writer.stage_failed(("ranks", "States.TaskFailed", cause))
    return writer


TRACEBACK = """Traceback (most recent call last):
  File "/mnt/yarn/container_1/program/emr_steps/graph.py", line 7, in main
    1 / 0
ZeroDivisionError: division by zero
"""


def test_a_program_s_own_error_is_found_in_its_container(s3: Any) -> None:
    keep(s3, "steps/s-1/stderr", "INFO Submitted application_1700000000000_0001\nbad\n")
    keep(s3, "containers/application_1700000000000_0001/container_1/stderr", TRACEBACK)
    keep(s3, "containers/application_1700000000000_0002/container_1/stderr", "ValueError: other\n")
    found = why_of(s3, failed_step(Reason="Unknown Error.", Message="", LogFile=LOG_FILE))
    assert found.kind == "the program failed on the cluster"
    assert found.error == "EMR.Step.FAILED"
    assert found.log == "ZeroDivisionError: division by zero"
    assert found.frame == "emr_steps/graph.py:7 in main"
    assert found.input.startswith(f"2 files, 3.0 MiB, s3://lake/runs/{RUN}/ranks/")


def test_a_spark_program_s_own_line_is_found_by_its_asset_s_name(s3: Any) -> None:
    keep(s3, "steps/s-1/stderr", "INFO Submitted application_1700000000000_0001\nbad\n")
    alone = TRACEBACK.replace("program/emr_steps/graph.py", "c0ffee.py")
    keep(s3, "containers/application_1700000000000_0001/container_1/stdout", alone)
    found = why_of(s3, failed_step(Reason="Unknown Error.", Message="", LogFile=LOG_FILE))
    assert found.frame == "emr_steps/graph.py:7 in main"


@pytest.mark.parametrize(
    ("text", "kind", "log"),
    [
        (
            "Container [pid=1] is running beyond physical memory limits. Killed. x\n",
            "out of memory on the cluster",
            "Container [pid=1] is running beyond physical memory limits",
        ),
        (
            "org.apache.hadoop.mapred.InvalidInputException: "
            "Input path does not exist: s3://lake/x\n",
            "an input that is not there",
            "Input path does not exist: s3://lake/x",
        ),
        (
            "FileAlreadyExistsException: Output directory s3://lake/out already exists\n",
            "an output that is there already",
            "already exists",
        ),
    ],
)
def test_what_hadoop_says_is_found_in_the_step_s_log(
    s3: Any, text: str, kind: str, log: str
) -> None:
    keep(s3, "steps/s-1/stderr", text + TRACEBACK)
    found = why_of(s3, failed_step(Reason="Unknown Error.", LogFile=LOG_FILE))
    assert found.kind == kind
    assert log in found.log


def test_logs_that_are_not_there_yet_are_said_to_be_so(s3: Any) -> None:
    found = why_of(s3, failed_step(Reason="Unknown Error.", LogFile=LOG_FILE))
    assert found.log == f"none yet: EMR copies {LOG_FILE} in five minutes"


def test_a_cluster_that_could_not_be_made_fails_the_first_stage(s3: Any) -> None:
    reason = {"Code": "VALIDATION_ERROR", "Message": "no such instances in this zone"}
    status = {"State": "TERMINATED_WITH_ERRORS", "StateChangeReason": reason}
    cause = json.dumps({"Cluster": {"Id": CLUSTER, "Status": status}})
    writer = making().fails("States.TaskFailed", cause)
    writer.enter("cluster: failed")
    writer.stage_failed(("ranks", "States.TaskFailed", cause))
    board = board_of(writer)
    assert board.cluster
    assert board.cluster.state == "failed"
    found = why(PLAN, board, Evidence({"s3": s3}.__getitem__, "lake"))
    assert found
    assert (found.stage, found.step) == ("ranks", "cluster")
    assert found.message == "no such instances in this zone"
    assert found.kind == "the cluster ended too soon, or could not be made"


def test_the_last_traceback_is_what_counts() -> None:
    said = [*TRACEBACK.splitlines(), *TRACEBACK.replace("zero", "none").splitlines(), "INFO end"]
    assert first_useful(said) == "ZeroDivisionError: division by none"
    assert first_useful(['Exception in thread "main" java.io.IOException: no']) == (
        "java.io.IOException: no"
    )
    assert first_useful(["nothing to see"]) == ""


def test_only_a_step_s_own_log_is_looked_for(s3: Any) -> None:
    assert lines(s3, "s3://lake/elsewhere/stderr.gz") == []
    assert read_cause("States.TaskFailed", failed_step(Reason="r", Message="m")).message == "r: m"
