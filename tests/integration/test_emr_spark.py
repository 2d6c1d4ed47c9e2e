"""spark-submit steps: Spark's own, in a container of the cluster's node, by EMR's API."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest

from tests.integration.conftest import Running
from tests.integration.emr_clusters import Clusters, Jobs

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


def driver(jobs: Jobs, name: str) -> str:
    """Read a log of the last driver's container."""
    return jobs.containers(name)[0]


@pytest.fixture(scope="module")
def jobs(cloud: Running) -> Iterator[Jobs]:
    clusters = Clusters(cloud)
    yield Jobs(clusters, "spark-submit")
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
    assert got["State"] == "COMPLETED", driver(jobs, "stdout") + driver(jobs, "stderr")
    said = driver(jobs, "stdout")
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
    assert "ValueError: no rows" in driver(jobs, "stdout") + driver(jobs, "stderr")


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
