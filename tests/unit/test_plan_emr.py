"""Stages on a cluster in a study and its plan: what may be said, and what is deployed of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headrace import plan
from headrace.cli.plan import lines, planned
from headrace.job_steps import files_of, passthrough, steps_of
from headrace.study import Cluster, MapReduce, Query, Spark, Study, StudyError

JOB = """
from mrjob.job import MRJob
from mrjob.step import MRStep

class Words(MRJob):
    FILES = ["stop.txt"]
    JOBCONF = {"mapreduce.map.maxattempts": 2, "x.compress": True}

    def configure_args(self):
        super().configure_args()
        self.add_passthru_arg("--min-count", type=int, required=True)

    def steps(self):
        return [
            MRStep(mapper=self.one, combiner=self.sums, reducer=self.sums),
            MRStep(reducer=self.sums, jobconf={"mapreduce.job.reduces": 1}),
        ]

    def one(self, _, line):
        yield line, 1

    def sums(self, key, values):
        yield key, sum(values)

if __name__ == "__main__":
    Words.run()
"""


@dataclass
class Row:
    word: str
    n: int


@dataclass
class Raw:
    body: bytes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one job."""
    (tmp_path / "emr_steps").mkdir()
    (tmp_path / "emr_steps/words.py").write_text(JOB)
    (tmp_path / "emr_steps/stop.txt").write_text("the\n")
    return tmp_path.resolve()


def job(**more: Any) -> MapReduce:
    told = {"name": "words", "job": "emr_steps/words.py", "input": "SELECT text FROM lines"}
    return MapReduce(**{**told, "produces": Row, "params": {"min_count": 3}, **more})


def spark(**more: Any) -> Spark:
    told = {"name": "ranks", "program": "emr_steps/graph.py", "input": "s3://{lake}/files/v/"}
    return Spark(**{**told, "produces": Row, **more})


def study(*stages: Any, **more: Any) -> Study:
    return Study("t", "How many?", stages=stages, **more)


def test_a_study_of_programs_runs_on_a_cluster() -> None:
    found = plan.plan_of(study(spark(), Query("top", "SELECT * FROM ranks")))
    assert found.runs
    assert [s.name for s in found.emr] == ["ranks"]
    assert (found.cluster_name, found.stage("ranks").kind) == ("headrace-t", "spark")
    assert found.stage("ranks").table == plan.TablePlan(
        "ranks", (), plan.columns_of(Row), None, lineage=()
    )
    told = found.deployed()
    assert told["cluster"] == {
        "name": "headrace-t",
        "instance": "m6i.xlarge",
        "core": 1,
        "most_task": 4,
        "idle_s": 900,
        "release": "emr-7.13.0",
        "usd_h": 0.24,
        "engine": "Amazon EMR emr-7.13.0, Hadoop 3.4.2, Spark 3.5.6",
    }
    (deployed, _) = told["stages"]
    assert deployed["prefix"] == "s3://{lake}/files/v/"
    assert deployed["columns"] == [("word", "string", True), ("n", "long", True)]


def test_a_job_s_steps_are_asked_of_the_job(root: Path) -> None:
    conf = {"mapreduce.map.maxattempts": "2", "x.compress": "true"}
    step = {"mapper": True, "combiner": True, "reducer": True, "raw": False, "jobconf": conf}
    words = ("words", "emr_steps/words.py", {"min_count": 3}, root)
    assert steps_of(*words) == [
        step,
        step
        | {"mapper": False, "combiner": False}
        | {"jobconf": {"mapreduce.job.reduces": "1"} | conf},
    ]
    assert files_of(*words) == ["emr_steps/stop.txt"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("--min-count", "--other"), "unrecognized arguments: --min-count=3"),
        (("class Words", "import nothing_such\n\nclass Words"), "No module named 'nothing_such'"),
        (("(MRJob)", "(object)"), "none where one class of MRJob should be"),
        (("FILES", 'LIBJARS = ["a.jar"]\n    FILES'), r"libjars \['.*a.jar'\], which a MapReduce"),
        (("combiner=self.sums", 'combiner_cmd="cat"'), "the shell's combiner_cmd"),
    ],
)
def test_a_job_that_can_not_run_is_refused(root: Path, change: tuple[str, str], said: str) -> None:
    assert change[0] in JOB
    (root / "emr_steps/words.py").write_text(JOB.replace(*change).replace("required=True", ""))
    with pytest.raises(StudyError, match=said):
        steps_of("words", "emr_steps/words.py", {"min_count": 3}, root)


def test_a_file_that_is_not_there_is_refused(root: Path) -> None:
    with pytest.raises(StudyError, match="no file emr_steps/none.py"):
        steps_of("words", "emr_steps/none.py", {}, root)
    (root / "emr_steps/stop.txt").unlink()
    with pytest.raises(StudyError, match=r"its file .*stop.txt missing"):
        files_of("words", "emr_steps/words.py", {"min_count": 3}, root)


def test_values_become_arguments() -> None:
    params = {"min_count": 3, "fold": True, "stop": ["a", "the"], "debug": False, "x": -1.5}
    wanted = ["--min-count=3", "--fold", "--stop=a", "--stop=the", "--x=-1.5"]
    assert passthrough(params) == wanted


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: job(job="elsewhere/words.py"), "job 'elsewhere/words.py'"),
        (lambda: job(job="emr_steps/../words.py"), "job 'emr_steps"),
        (lambda: job(params={"a": {"b": 1}}), "the parameter a="),
        (lambda: job(params={"a": "'\""}), "the parameter a="),
        (lambda: job(params={"a": None}), "the parameter a=None"),
        (lambda: job(reducers=0), "reducers=0"),
        (lambda: job(tolerate=2), "tolerate=2"),
        (lambda: job(name="Words"), "'Words'"),
        (lambda: spark(params={"a": {1, 2}}), "params that are no JSON"),
        (lambda: spark(conf={"x": "1"}), "conf x='1'"),
        (lambda: spark(jars=["a.jar"]), "the jar 'a.jar'"),
        (lambda: spark(timeout_s=1), "timeout_s=1"),
        (lambda: Cluster(instance="large"), "instance 'large'"),
        (lambda: Cluster(release="7.13"), "release '7.13'"),
        (lambda: Cluster(idle_s=10), "idle_s=10"),
        (lambda: plan.plan_of(study(spark(name="cluster"))), "the run's cluster"),
        (lambda: plan.plan_of(study(job(produces=Raw, input="s3://{lake}/f/"))), "bytes for body"),
    ],
)
def test_what_can_not_be_is_refused(make: Any, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        make()


def test_a_node_has_a_price_or_the_study_says_it() -> None:
    unknown = Cluster(instance="x9z.huge")
    with pytest.raises(StudyError, match=r"no price of x9z.huge.*usd_h"):
        plan.plan_of(study(spark(), cluster=unknown)).deployed()
    known = plan.plan_of(study(spark(), cluster=Cluster(instance="x9z.huge", usd_h=1.5)))
    assert known.node_usd_h == 1.5


def test_a_gpu_stage_gets_nodes_with_gpus() -> None:
    found = plan.plan_of(study(spark(gpu=True), cluster=Cluster(instance="m6i.xlarge")))
    assert found.cluster_instance == "g4dn.xlarge"
    other = plan.plan_of(study(spark(gpu=True), cluster=Cluster(instance="g5.xlarge", usd_h=1.2)))
    assert other.cluster_instance == "g5.xlarge"


def test_the_plan_tells_of_the_cluster_and_its_price() -> None:
    found = plan.plan_of(study(spark()))
    text = "\n".join(lines(found, planned(found)))
    assert "emr_steps/graph.py on the cluster, 3600 s a step at most" in text
    assert "headrace-t, emr-7.13.0, for ranks: made by the run, and ends with them" in text
    assert "1 primary and 1 core m6i.xlarge, up to 4 more on the spot market" in text
    assert "USD 0.48 an hour on AWS, 1.44 with all at the full price" in text
    assert "EMR ends it after 900 s without a step" in text
