"""Steps: they really run, how they end, what that does to their cluster, and their logs."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import Running, start, stop
from tests.integration.deployed import wait_until
from tests.integration.emr_clusters import DONE, OVER, Clusters, step

SLEEPS = "echo $$; exec sleep 300"


@pytest.fixture(scope="module")
def clusters(cloud: Running) -> Iterator[Clusters]:
    made = Clusters(cloud)
    yield made
    made.clean()


@pytest.fixture(scope="module")
def one(clusters: Clusters) -> str:
    """A cluster that tests share."""
    return clusters.run()


def add(clusters: Clusters, cluster: str, *args: str, action: str = "CONTINUE") -> str:
    given = [step(*args, action=action)]
    return str(clusters.api.add_job_flow_steps(JobFlowId=cluster, Steps=given)["StepIds"][0])


def status(clusters: Clusters, cluster: str, id_: str) -> dict[str, object]:
    found: dict[str, object] = clusters.api.describe_step(ClusterId=cluster, StepId=id_)["Step"][
        "Status"
    ]
    return found


def ended(clusters: Clusters, cluster: str, id_: str) -> dict[str, object]:
    wait_until(lambda: status(clusters, cluster, id_)["State"] in DONE, 30)
    return status(clusters, cluster, id_)


def marker() -> str:
    """An argument that only one process of this machine has."""
    return f"emr-{os.getpid()}-{time.time_ns()}"


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def processes(word: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if word in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def test_a_step_that_completes(clusters: Clusters, one: str) -> None:
    id_ = add(clusters, one, "bash", "-c", "echo out; echo err >&2; pwd")
    got = ended(clusters, one, id_)
    assert got["State"] == "COMPLETED"
    assert "FailureDetails" not in got
    out, folder = clusters.log(one, f"steps/{id_}/stdout").splitlines()
    assert (out, clusters.log(one, f"steps/{id_}/stderr")) == ("out", "err\n")
    assert clusters.log(one, f"steps/{id_}/controller")
    assert not Path(folder).exists()
    waiting = clusters.until(one, "WAITING")["StateChangeReason"]
    assert waiting == {"Message": "Cluster ready after last step completed."}


def test_a_step_that_exits_1(clusters: Clusters, one: str) -> None:
    id_ = add(clusters, one, "bash", "-c", "echo it broke >&2; exit 1")
    got = ended(clusters, one, id_)
    assert got["State"] == "FAILED"
    assert got["FailureDetails"]["LogFile"] == (  # type: ignore[index]
        f"s3://{clusters.name}/logs/{one}/steps/{id_}/stderr.gz"
    )
    assert "it broke" in clusters.log(one, f"steps/{id_}/stderr")
    waiting = clusters.until(one, "WAITING")["StateChangeReason"]
    assert waiting == {"Message": "Cluster ready after last step failed."}


def test_an_unknown_command(clusters: Clusters, one: str) -> None:
    id_ = add(clusters, one, "nonesuch")
    assert ended(clusters, one, id_)["State"] == "FAILED"


def test_steps_run_one_after_another(clusters: Clusters) -> None:
    made = clusters.run(*[step("bash", "-c", "sleep 0.2") for _ in range(3)], keep=False)
    clusters.until(made, *OVER)
    times = [each["Status"]["Timeline"] for each in clusters.steps(made)]
    for before, after in itertools.pairwise(times):
        assert before["EndDateTime"] <= after["StartDateTime"]


def test_steps_run_side_by_side(clusters: Clusters) -> None:
    sleeps = [step("bash", "-c", "sleep 1") for _ in range(3)]
    made = clusters.run(*sleeps, StepConcurrencyLevel=2)
    wait_until(lambda: clusters.states(made) == ["RUNNING", "RUNNING", "PENDING"])
    clusters.api.modify_cluster(ClusterId=made, StepConcurrencyLevel=3)
    wait_until(lambda: clusters.states(made) == ["RUNNING"] * 3)
    with pytest.raises(ClientError, match="it must be CONTINUE"):
        add(clusters, made, "true", action="CANCEL_AND_WAIT")
    clusters.until(made, "WAITING")


def test_failures_end_the_cluster_where_they_shall(clusters: Clusters) -> None:
    steps = [step("bash", "-c", "exit 1", action="TERMINATE_CLUSTER"), step("bash", "-c", "true")]
    made = clusters.run(*steps)
    got = clusters.until(made, *OVER)
    assert got["State"] == "TERMINATED_WITH_ERRORS"
    assert got["StateChangeReason"] == {
        "Code": "STEP_FAILURE",
        "Message": "Shut down as step failed",
    }
    assert clusters.states(made) == ["FAILED", "CANCELLED"]


def test_failures_cancel_what_waits_where_they_shall(clusters: Clusters) -> None:
    steps = [step("bash", "-c", "exit 1", action="CANCEL_AND_WAIT"), step("bash", "-c", "true")]
    made = clusters.run(*steps)
    clusters.until(made, "WAITING")
    assert clusters.states(made) == ["FAILED", "CANCELLED"]


def test_protection_holds_against_failures(clusters: Clusters) -> None:
    made = clusters.run(
        step("bash", "-c", "exit 1", action="TERMINATE_CLUSTER"),
        Instances={"TerminationProtected": True},
    )
    wait_until(lambda: clusters.states(made) == ["FAILED"])
    clusters.until(made, "WAITING")


def test_a_cancelled_step_leaves_no_process(clusters: Clusters, one: str) -> None:
    word = marker()
    id_ = add(clusters, one, "bash", "-c", "sleep 300 & wait", word)
    waits = add(clusters, one, "bash", "-c", "true")
    wait_until(lambda: processes(word))
    family = [child for each in processes(word) for child in each.children(recursive=True)]
    told = clusters.api.cancel_steps(ClusterId=one, StepIds=[id_, waits])["CancelStepsInfoList"]
    assert [each["Status"] for each in told] == ["SUBMITTED", "SUBMITTED"]
    assert ended(clusters, one, id_)["State"] == "CANCELLED"
    assert ended(clusters, one, waits)["State"] == "CANCELLED"
    assert not processes(word)
    assert not [each for each in family if alive(each)]
    (again,) = clusters.api.cancel_steps(ClusterId=one, StepIds=[id_])["CancelStepsInfoList"]
    assert again["Status"] == "FAILED"


def test_an_ended_cluster_leaves_no_process(clusters: Clusters) -> None:
    word = marker()
    made = clusters.run(step("bash", "-c", "echo begun; sleep 300 & wait", word), step("true"))
    wait_until(lambda: processes(word))
    time.sleep(0.2)
    clusters.api.terminate_job_flows(JobFlowIds=[made])
    clusters.until(made, *OVER)
    assert not processes(word)
    assert clusters.states(made) == ["INTERRUPTED", "CANCELLED"]
    assert clusters.log(made, f"steps/{clusters.steps(made)[0]['Id']}/stdout") == "begun\n"


def test_limits(clusters: Clusters, one: str) -> None:
    with pytest.raises(ClientError, match="10240|10,240"):
        add(clusters, one, "bash", "-c", "x" * 10_240)
    many = [step("bash", "-c", "true") for _ in range(257)]
    with pytest.raises(ClientError, match="256"):
        clusters.api.add_job_flow_steps(JobFlowId=one, Steps=many)


def test_what_cannot_be_run_is_refused_by_name(clusters: Clusters, one: str) -> None:
    with pytest.raises(ClientError, match="Hive"):
        add(clusters, one, "hive-script", "--run-hive-script")
    jar = {"Jar": f"s3://{clusters.name}/own.jar", "Args": ["x"]}
    with pytest.raises(ClientError, match="own.jar"):
        clusters.api.add_job_flow_steps(JobFlowId=one, Steps=[step("x") | {"HadoopJarStep": jar}])


def test_an_ended_cluster_takes_no_steps(clusters: Clusters) -> None:
    made = clusters.run(step("true"), keep=False)
    clusters.until(made, *OVER)
    with pytest.raises(ClientError, match="may not be modified"):
        add(clusters, made, "true")


def test_lists_come_in_pages_and_by_state(clusters: Clusters) -> None:
    made = clusters.run(step("bash", "-c", "sleep 60"), *[step("true") for _ in range(60)])
    wait_until(lambda: clusters.states(made)[0] == "RUNNING")
    assert len(clusters.steps(made)) == 61
    of = {"ClusterId": made}
    (running,) = clusters.api.list_steps(**of, StepStates=["RUNNING"])["Steps"]
    assert clusters.api.list_steps(**of, StepIds=[running["Id"]])["Steps"] == [running]
    clusters.api.terminate_job_flows(JobFlowIds=[made])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="by PR_SET_PDEATHSIG")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_its_cloud(tmp_path: Path, how: signal.Signals) -> None:
    process, running = start(tmp_path)
    word, family = marker(), list[psutil.Process]()
    try:
        Clusters(running).run(step("bash", "-c", "sleep 300 & wait", word))
        wait_until(lambda: [child for each in processes(word) for child in each.children()], 30)
        family += psutil.Process(running.pid).children(recursive=True)
        os.kill(running.pid, how)
        wait_until(lambda: not [each for each in family if alive(each)], 10)
    finally:
        stop(process)
        for left in filter(alive, family):
            left.kill()
