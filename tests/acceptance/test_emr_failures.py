"""Programs that fail on the cluster: the right state, reason and log, no half table, no cluster."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from headrace.sql import Athena
from tests.acceptance.conftest import House
from tests.acceptance.emr_study import IDLE_S, NUMBERS, deployed, numbers
from tests.integration.deployed import wait_until
from tests.integration.emr_clusters import DONE, OVER

ACCOUNT = "123456789012"
BUCKET = f"headrace-faults-{ACCOUNT}-us-east-1"
MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}"


@dataclass(frozen=True)
class Case:
    """A way to fail.

    Parameters
    ----------
    fault : str
        What the input says; empty where there is no input.
    kind : str
        What `why` calls it.
    said : str
        Pattern of what EMR gives as the step's failure, or the state machine as the stage's.
    log, frame : str
        Patterns of the line of the log, and of the line of code, that `why` finds.
    step : str
        State of the step that EMR has; empty where none was begun.
    """

    fault: str
    kind: str
    said: str
    log: str = ""
    frame: str = ""
    step: str = "FAILED"


FAILED = "the program failed on the cluster"
MEMORY = "out of memory on the cluster"
NO_NUMBER = "ValueError: a line that is no number"
#: By stage: jobs of MapReduce, and programs of Spark; the first ones are what `make test` tries.
JOBS = {
    "raises": Case("raise", FAILED, NO_NUMBER, NO_NUMBER, r"studies/faults/job\.py:\d+ in mapper"),
    "outgrows": Case(
        "memory",
        MEMORY,
        r"beyond the 'PHYSICAL' memory limit.*of 192 MB",
        r"Container .*beyond the 'PHYSICAL' memory limit",
    ),
    "dies": Case("die", FAILED, r"subprocess failed with code 137", r"failed with code 137"),
    "nothing": Case("", "an input that is not there", r"no bytes under s3://.*/nothing/", step=""),
}
PROGRAMS = {
    "half": Case("die", FAILED, "User application exited with status 1", "finished with failed"),
    "twice": Case(
        "twice",
        "an output that is there already",
        r"PATH_ALREADY_EXISTS.*/twice/.*/out already exists",
        "PATH_ALREADY_EXISTS",
        r"studies/faults/program\.py:\d+ in main",
    ),
}
SLOW_JOBS = {"exits": Case("exit", FAILED, "a line that is no number", "failed with code 1")}
SLOW_PROGRAMS = {
    "throws": Case("raise", FAILED, NO_NUMBER, NO_NUMBER, r"program\.py:\d+ in go_wrong"),
    "heap": Case("memory", MEMORY, r"java\.lang\.OutOfMemoryError", r"OutOfMemoryError"),
    "leaves": Case(
        "leave", "the program did not write to its end", "no _SUCCESS in out/", step="COMPLETED"
    ),
}
QUICK, SLOW = JOBS | PROGRAMS, SLOW_JOBS | SLOW_PROGRAMS
#: The stage whose table has rows before it fails.
BEFORE = "raises"
ROWS = [{"number": n, "squared": n * n} for n in NUMBERS]


@dataclass(frozen=True)
class Faults:
    """The study, deployed, and how to ask what became of it."""

    house: House

    def put(self, stage: str, fault: str = "") -> None:
        """Give a stage its input."""
        body = numbers(fault).encode()
        key = f"files/{stage}/numbers.txt"
        self.house.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def run(self, *words: str) -> Any:
        """Run, whatever becomes of it."""
        return json.loads(
            self.house.headrace("run", "faults", *words, "--json", check=False).stdout
        )

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask Athena."""
        athena = Athena(self.house.client("athena"), "headrace-faults", "faults")
        found: list[dict[str, Any]] = athena.ask(sql).rows.to_pylist()
        return found

    def table(self, stage: str) -> list[dict[str, Any]]:
        """All rows of a stage's table."""
        return self.rows(f"SELECT number, squared FROM {stage} ORDER BY number")

    def keys(self, prefix: str) -> list[str]:
        """Keys of objects of the lake."""
        pages = self.house.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=BUCKET, Prefix=prefix)
        return [told["Key"] for page in found for told in page.get("Contents", ())]

    def log(self, key: str) -> str:
        """Read a log."""
        got = self.house.client("s3").get_object(Bucket=BUCKET, Key=key)
        return gzip.decompress(got["Body"].read()).decode()

    def clusters(self) -> dict[str, dict[str, Any]]:
        """Each cluster's status."""
        told = self.house.client("emr").list_clusters()["Clusters"]
        return {each["Id"]: each["Status"] for each in told}

    def steps(self, cluster: str) -> dict[str, dict[str, Any]]:
        """Each step by its stage, as DescribeStep gives it."""
        emr = self.house.client("emr")
        return {
            told["Name"].partition(" ")[0]: emr.describe_step(ClusterId=cluster, StepId=told["Id"])[
                "Step"
            ]
            for told in emr.list_steps(ClusterId=cluster)["Steps"]
        }

    def processes(self, cluster: str) -> list[str]:
        """What still runs of a cluster: its folder is in the command or the environment."""
        return [" ".join(p.cmdline()) for p in psutil.process_iter() if _names(p, cluster)]

    def why(self, execution: str, stages: list[str]) -> dict[str, Any]:
        """What `headrace why` says of each stage, all asked in one process of the tool."""
        calls = [["why", "faults", execution, "--stage", stage, "--json"] for stage in stages]
        done = subprocess.run(
            [sys.executable, "-c", ASK, json.dumps(calls)],
            cwd=self.house.root,
            env=self.house.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(done.stdout)
        return {stage: each["cause"] for stage, each in zip(stages, told, strict=True)}


#: The tool's own command line, several times.
ASK = """
import json, sys
from click.testing import CliRunner
from headrace.cli import main
done = [CliRunner().invoke(main, call, catch_exceptions=False) for call in json.loads(sys.argv[1])]
print(json.dumps([json.loads(each.stdout) for each in done]))
"""


def _names(process: psutil.Process, cluster: str) -> bool:
    try:
        told = [*process.cmdline(), *process.environ().values()]
    except psutil.Error:  # it has ended, or is another user's
        return False
    return any(f"/emr/{cluster}" in word for word in told)


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    """The deployed study; one of its tables has rows of an earlier, good run."""
    names = (tuple(JOBS | SLOW_JOBS), tuple(PROGRAMS | SLOW_PROGRAMS))
    made = Faults(deployed(tmp_path_factory.mktemp("faults"), *names))
    try:
        made.put(BEFORE)
        told = made.run("--stage", BEFORE)
        assert told["status"] == "SUCCEEDED", told
        yield made
    finally:
        made.house.headrace("down", check=False)


@dataclass(frozen=True)
class Failure:
    """A run that failed, and what there was at its end."""

    told: dict[str, Any]
    steps: dict[str, dict[str, Any]]
    why: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]]

    @property
    def run(self) -> str:
        """Its id."""
        return str(self.told["run"])

    @property
    def cluster(self) -> str:
        """The id of its cluster."""
        return str(self.told["cluster"]["id"])


def failing(faults: Faults, cases: dict[str, Case]) -> Failure:
    """Run stages, each with its fault."""
    for stage, case in cases.items():
        if case.fault:
            faults.put(stage, case.fault)
    told = faults.run(*(word for stage in cases for word in ("--stage", stage)))
    why = faults.why(f"{told['run']}-1", list(cases))
    tables = {stage: faults.table(stage) for stage in cases}
    return Failure(told, faults.steps(told["cluster"]["id"]), why, tables)


@pytest.fixture(scope="module")
def quick(faults: Faults) -> Failure:
    """The run of the ways to fail that `make test` tries."""
    return failing(faults, QUICK)


@pytest.fixture(scope="module")
def slow(faults: Faults) -> Failure:
    """The run of the others."""
    return failing(faults, SLOW)


#: Minutes together: part of `make test-all`.
pytestmark = pytest.mark.slow

RUNS = ("quick", pytest.param("slow", marks=pytest.mark.slow))
EACH = [
    *(pytest.param("quick", stage, case, id=stage) for stage, case in QUICK.items()),
    *(
        pytest.param("slow", stage, case, id=stage, marks=pytest.mark.slow)
        for stage, case in SLOW.items()
    ),
]


@pytest.fixture
def failure(request: pytest.FixtureRequest, run: str) -> Failure:
    """The run that a test is about."""
    found: Failure = request.getfixturevalue(run)
    return found


@pytest.mark.parametrize("run", RUNS)
def test_the_run_fails_at_every_stage_that_did(faults: Faults, failure: Failure, run: str) -> None:
    assert failure.told["status"] == "FAILED"
    cases = {"quick": QUICK, "slow": SLOW}[run]
    states = {stage["name"]: stage["state"] for stage in failure.told["stages"]}
    assert {name for name, state in states.items() if state == "failed"} == set(cases)
    execution = f"{MACHINE}:execution:headrace-faults-run:{failure.run}-1"
    ended = faults.house.client("stepfunctions").describe_execution(executionArn=execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "StageFailed")
    assert {each["stage"] for each in json.loads(ended["cause"])} == set(cases)


@pytest.mark.parametrize(("run", "stage", "case"), EACH)
def test_emr_says_what_became_of_the_step(
    faults: Faults, failure: Failure, stage: str, case: Case
) -> None:
    if not case.step:
        assert stage not in failure.steps
        return
    step = failure.steps[stage]
    assert step["Status"]["State"] == case.step
    logs = f"emr-logs/{failure.cluster}/steps/{step['Id']}/"
    names = ("controller", "stderr", "stdout", "syslog")
    assert faults.keys(logs) == [f"{logs}{name}.gz" for name in names]
    details = step["Status"].get("FailureDetails", {})
    if case.step == "FAILED":
        assert details["Reason"] == "Unknown Error."
        assert re.search(case.said, details["Message"])
        assert details["LogFile"] == f"s3://{BUCKET}/{logs}stderr.gz"
        assert "Step failed with exitCode 1" in faults.log(f"{logs}controller.gz")


@pytest.mark.parametrize(("run", "stage", "case"), EACH)
def test_there_is_one_cause_and_what_to_do(failure: Failure, stage: str, case: Case) -> None:
    cause = failure.why[stage]
    assert (cause["stage"], cause["kind"]) == (stage, case.kind)
    assert re.search(case.said, cause["message"])
    assert re.search(case.log, cause["log"] or "")
    assert re.search(case.frame, cause["frame"] or "")
    again = "--from twice" if stage == "twice" else "--resume"
    assert f"headrace run faults --run {failure.run} {again}" in cause["do"]


@pytest.mark.parametrize("run", RUNS)
def test_containers_logs_have_what_the_program_said(faults: Faults, failure: Failure) -> None:
    said = [faults.log(key) for key in faults.keys(f"emr-logs/{failure.cluster}/containers/")]
    assert sum(NO_NUMBER in text and "Traceback" in text for text in said)


@pytest.mark.parametrize("run", RUNS)
def test_tables_are_what_they_were(faults: Faults, failure: Failure, run: str) -> None:
    assert failure.tables == {stage: ROWS if stage == BEFORE else [] for stage in failure.tables}
    for stage in failure.tables:
        assert f"runs/{failure.run}/{stage}/done.json" not in faults.keys(f"runs/{failure.run}/")
    assert faults.rows("SELECT count(*) AS n FROM quarantine") == [{"n": 0}]
    assert faults.rows(f"SELECT stage FROM runs WHERE run = '{failure.run}' AND attempt = 1") == []


@pytest.mark.parametrize("run", RUNS)
def test_nothing_is_left_of_the_cluster(faults: Faults, failure: Failure) -> None:
    status = faults.clusters()[failure.cluster]
    assert status["State"] == "TERMINATED"
    assert status["StateChangeReason"]["Message"] == "Terminated by user request"
    assert faults.processes(failure.cluster) == []
    assert not (faults.house.root / ".headrace" / "data" / "emr" / failure.cluster).exists()


@pytest.mark.parametrize("run", RUNS)
def test_mended_and_taken_up_again_it_gives_all_rows(
    faults: Faults, failure: Failure, run: str
) -> None:
    for stage in failure.tables:
        faults.put(stage)
    told = faults.run("--run", failure.run, "--resume")
    assert (told["status"], told["attempt"]) == ("SUCCEEDED", 2), told
    assert {stage: faults.table(stage) for stage in failure.tables} == dict.fromkeys(
        failure.tables, ROWS
    )
    assert faults.clusters()[told["cluster"]["id"]]["State"] == "TERMINATED"


def advance(faults: Faults, seconds: float) -> None:
    """Move the cloud's clock on."""
    body = json.dumps({"advance_s": seconds}).encode()
    endpoint = faults.house.environment["AWS_ENDPOINT_URL"]
    with urllib.request.urlopen(f"{endpoint}/_localcloud/clock", data=body) as answer:
        assert json.loads(answer.read())["now"] > 0


def test_a_cluster_that_nobody_ends_ends_itself(faults: Faults) -> None:
    """The execution stops in mid-step; the cluster stays, idle, until its time is over."""
    faults.put(BEFORE, "sleep")
    run = faults.house.facts("run", "faults", "--stage", BEFORE, "--detach")["run"]
    cluster = wait_until(lambda: [c for c, s in faults.clusters().items() if _lives(s)], 120)[0]
    wait_until(lambda: any("launch.py" in told for told in faults.processes(cluster)), 120)
    execution = f"{MACHINE}:execution:headrace-faults-run:{run}-1"
    faults.house.client("stepfunctions").stop_execution(executionArn=execution)
    wait_until(lambda: faults.steps(cluster)[BEFORE]["Status"]["State"] in DONE, 60)
    assert faults.steps(cluster)[BEFORE]["Status"]["State"] == "CANCELLED"
    assert faults.processes(cluster) == []
    assert wait_until(lambda: faults.clusters()[cluster]["State"] == "WAITING", 30)
    advance(faults, IDLE_S - 30)
    assert faults.clusters()[cluster]["State"] == "WAITING"
    advance(faults, 31)
    wait_until(lambda: faults.clusters()[cluster]["State"] in OVER, 30)
    status = faults.clusters()[cluster]
    assert status["State"] == "TERMINATED"
    assert "auto-termination policy" in status["StateChangeReason"]["Message"]
    assert faults.table(BEFORE) == ROWS
    assert faults.why(f"{run}-1", [BEFORE])[BEFORE] is None
    told = json.loads(faults.house.headrace("why", "faults", f"{run}-1", "--json").stdout)
    assert (told["status"], told["cause"]["kind"]) == ("ABORTED", "stopped by you")


def _lives(status: dict[str, Any]) -> bool:
    return status["State"] not in OVER
