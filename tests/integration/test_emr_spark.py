"""spark-submit steps: Spark's own, in a container of the cluster's node, by EMR's API."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.integration.conftest import Running
from tests.integration.deployed import unique, wait_until
from tests.integration.emr_clusters import DONE, Clusters, step

PROGRAM = """import json, os, sys
from helper import double
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
rows = spark.read.json(given["--input"])
total = rows.rdd.map(lambda row: double(row.n)).sum()
seed = spark.sparkContext.parallelize([0], 1).map(lambda _: os.environ["SEED"]).first()
try:
    import pyarrow
except ImportError:
    print("no package of the host")
rows.coalesce(1).write.parquet(given["--output"])
print(json.dumps({"total": total, "seed": seed, "mine": os.environ["SEED"]}))
"""
HELPER = "def double(n):\n    return 2 * n\n"
HEAP = """from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
held = spark._jvm.java.util.ArrayList()
while True:
    held.add(bytes(8 << 20))
"""


class Jobs:
    """A cluster, and a folder of its bucket for each test."""

    def __init__(self, clusters: Clusters) -> None:
        self.clusters, self.cluster = clusters, clusters.run()
        self.folder, self.id = unique("job"), ""

    def uri(self, name: str) -> str:
        """Where something of this module's tests is."""
        return f"s3://{self.clusters.name}/{self.folder}/{name}"

    def put(self, name: str, body: bytes | str) -> str:
        """Store a file; give its URI."""
        data = body.encode() if isinstance(body, str) else body
        key = f"{self.folder}/{name}"
        self.clusters.s3.put_object(Bucket=self.clusters.name, Key=key, Body=data)
        return self.uri(name)

    def run(self, *args: str) -> dict[str, Any]:
        """Run a step of spark-submit; give its status."""
        api = self.clusters.api
        given = [step("spark-submit", *args)]
        self.id = api.add_job_flow_steps(JobFlowId=self.cluster, Steps=given)["StepIds"][0]
        wait_until(lambda: self.status()["State"] in DONE, 180)
        return self.status()

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.clusters.api.describe_step(
            ClusterId=self.cluster, StepId=self.id
        )["Step"]["Status"]
        return found

    def driver(self, name: str) -> str:
        """Read a log of the last driver's container."""
        prefix = f"logs/{self.cluster}/containers/"
        found = self.clusters.s3.list_objects_v2(Bucket=self.clusters.name, Prefix=prefix)
        key = max(each["Key"] for each in found["Contents"] if f"01_000001/{name}" in each["Key"])
        got = self.clusters.s3.get_object(Bucket=self.clusters.name, Key=key)
        return gzip.decompress(got["Body"].read()).decode()


@pytest.fixture(scope="module")
def jobs(cloud: Running) -> Iterator[Jobs]:
    clusters = Clusters(cloud)
    yield Jobs(clusters)
    clusters.clean()


def test_a_program_with_an_archive_in_cluster_mode(jobs: Jobs) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("helper.py", HELPER)
    archive_uri = jobs.put("program.zip", packed.getvalue())
    program = jobs.put("program.py", PROGRAM)
    rows = "".join(json.dumps({"n": n}) + "\n" for n in range(10))
    source = jobs.put("in/rows.json", rows)
    variables = {"PYTHONPATH": "program", "SEED": "7"}
    conf = [
        word
        for prefix in ("spark.yarn.appMasterEnv", "spark.executorEnv")
        for name, value in variables.items()
        for word in ("--conf", f"{prefix}.{name}={value}")
    ]
    words = ["--deploy-mode", "cluster", "--name", "it", "--archives", f"{archive_uri}#program"]
    words += [*conf, "--conf", "spark.pyspark.python=python3", program]
    got = jobs.run(*words, "--input", source, "--output", jobs.uri("out"))
    assert got["State"] == "COMPLETED", jobs.driver("stdout") + jobs.driver("stderr")
    said = jobs.driver("stdout")
    assert "no package of the host" in said
    assert json.loads(said.splitlines()[-1]) == {"total": 90, "seed": "7", "mine": "7"}
    found = jobs.clusters.s3.list_objects_v2(
        Bucket=jobs.clusters.name, Prefix=f"{jobs.folder}/out/"
    )
    keys = [each["Key"] for each in found["Contents"]]
    assert f"{jobs.folder}/out/_SUCCESS" in keys
    part = next(key for key in keys if key.endswith(".parquet"))
    body = jobs.clusters.s3.get_object(Bucket=jobs.clusters.name, Key=part)["Body"].read()
    assert sorted(pq.read_table(io.BytesIO(body))["n"].to_pylist()) == list(range(10))


def test_a_program_that_fails_says_why(jobs: Jobs) -> None:
    program = jobs.put("fails.py", "print('begun')\nraise ValueError('no rows')\n")
    got = jobs.run("--deploy-mode", "cluster", program)
    assert got["State"] == "FAILED"
    assert got["FailureDetails"]["Message"] == "ValueError: no rows"
    told = jobs.clusters.log(jobs.cluster, f"steps/{jobs.id}/stderr")
    assert "finished with failed status" in told
    assert "ValueError: no rows" in jobs.driver("stdout") + jobs.driver("stderr")


def test_a_program_that_ends_without_a_word(jobs: Jobs) -> None:
    body = "from pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate()\n"
    program = jobs.put("silent.py", f"import os\n{body}os._exit(3)\n")
    got = jobs.run("--deploy-mode", "cluster", program)
    assert got["FailureDetails"]["Message"] == "User application exited with status 3"


def test_a_program_that_is_not_there(jobs: Jobs) -> None:
    got = jobs.run("--deploy-mode", "cluster", jobs.uri("none.py"))
    assert "No such file or directory: s3://" in got["FailureDetails"]["Message"]


def test_a_heap_that_is_too_small_is_told(jobs: Jobs) -> None:
    program = jobs.put("heap.py", HEAP)
    got = jobs.run("--deploy-mode", "cluster", "--driver-memory", "512m", program)
    assert got["State"] == "FAILED"
    assert "java.lang.OutOfMemoryError" in got["FailureDetails"]["Message"]


def test_an_option_that_cannot_be_honoured_is_named(jobs: Jobs) -> None:
    got = jobs.run("--kerberos", "no", "program.py")
    assert "--kerberos" in got["FailureDetails"]["Message"]
