"""hadoop-streaming steps: Hadoop's own job, tasks as YARN runs them, by EMR's API."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator

import pytest

from headrace.testing.shuffle import partition
from tests.integration.conftest import Running
from tests.integration.deployed import unique
from tests.integration.emr_clusters import Clusters, Jobs

TEXT = "the cat and the hat\nthe end\n"
MAPPER = """#!/usr/bin/env python3
import sys
for line in sys.stdin:
    for word in line.split():
        print(f"{word}\\t1")
sys.stderr.write("reporter:counter:words,lines,1\\nseen\\n")
"""
REDUCER = """import sys
counts = {}
for line in sys.stdin:
    word, count = line.split("\\t")
    counts[word] = counts.get(word, 0) + int(count)
for word, count in counts.items():
    print(f"{word}\\t{count}")
"""
#: Writes half of its output, dies; the third attempt lives.
FLAKY = """import os, sys
for line in sys.stdin:
    print("half\\t1", flush=True)
sys.stderr.write("reporter:counter:words,lines,1\\n")
if not os.environ["mapreduce_task_attempt_id"].endswith("_2"):
    raise ValueError("not yet")
"""
HOG = """import sys, time
held = bytearray(300 << 20)
held[::4096] = b"1" * len(held[::4096])
time.sleep(30)
"""


class HadoopJobs(Jobs):
    """Jobs of Hadoop streaming, a folder for each."""

    def folder_of(self, **files: str) -> str:
        """Store programs and `in/`; give the folder's URI."""
        self.folder = unique("job")
        for name, text in {"in/a.txt": TEXT, "in/b.txt": TEXT, **files}.items():
            self.put(name.replace("_py", ".py"), text)
        return self.uri("").rstrip("/")

    def output(self, folder: str) -> list[str]:
        """Read the lines of a job's output, or of one of its files."""
        prefix = folder.partition(f"s3://{self.clusters.name}/")[2]
        found = self.clusters.s3.list_objects_v2(Bucket=self.clusters.name, Prefix=prefix)
        lines: list[str] = []
        for each in found.get("Contents", []):
            got = self.clusters.s3.get_object(Bucket=self.clusters.name, Key=each["Key"])
            lines += got["Body"].read().decode().splitlines()
        return lines

    def exists(self, folder: str) -> bool:
        """Whether a job left its _SUCCESS."""
        prefix = folder.partition(f"s3://{self.clusters.name}/")[2] + "/_SUCCESS"
        found = self.clusters.s3.list_objects_v2(Bucket=self.clusters.name, Prefix=prefix)
        return bool(found["KeyCount"])


@pytest.fixture(scope="module")
def jobs(cloud: Running) -> Iterator[HadoopJobs]:
    clusters = Clusters(cloud)
    yield HadoopJobs(clusters, "hadoop-streaming")
    clusters.clean()


def test_words_are_counted(jobs: HadoopJobs) -> None:
    base = jobs.folder_of(map_py=MAPPER, reduce_py=REDUCER)
    files = ["-files", f"{base}/map.py,{base}/reduce.py", "-D", "mapreduce.job.reduces=2"]
    programs = ["-mapper", "map.py", "-combiner", "python3 reduce.py"]
    programs += ["-reducer", "python3 reduce.py"]
    got = jobs.run(*files, "-input", f"{base}/in", "-output", f"{base}/out", *programs)
    assert got["State"] == "COMPLETED", jobs.log("stderr")
    counted = {
        word: int(n) for word, n in (each.split("\t") for each in jobs.output(f"{base}/out"))
    }
    assert counted == Counter((TEXT * 2).split())
    assert jobs.exists(f"{base}/out")
    told = jobs.log("syslog")
    assert "Combine input records=14" in told
    assert "\twords\n\t\tlines=2\n" in told
    assert "seen\n" in jobs.containers("stderr")
    assert "reporter:" not in "".join(jobs.containers("stderr"))


def test_an_attempt_that_dies_is_begun_again_and_leaves_nothing(jobs: HadoopJobs) -> None:
    base = jobs.folder_of(flaky_py=FLAKY)
    files = ["-D", "mapreduce.job.reduces=0", "-files", f"{base}/flaky.py"]
    words = ["-input", f"{base}/in", "-output", f"{base}/out", "-mapper", "python3 flaky.py"]
    assert jobs.run(*files, *words)["State"] == "COMPLETED"
    assert jobs.output(f"{base}/out") == ["half\t1"] * 4
    assert "\twords\n\t\tlines=2\n" in jobs.log("syslog")
    assert jobs.log("stderr").count("Status : FAILED") == 4


def test_a_job_whose_attempts_all_die_has_no_output(jobs: HadoopJobs) -> None:
    base = jobs.folder_of(flaky_py=FLAKY)
    files = ["-D", "mapreduce.map.maxattempts=2", "-files", f"{base}/flaky.py"]
    words = ["-input", f"{base}/in", "-output", f"{base}/out", "-mapper", "python3 flaky.py"]
    got = jobs.run(*files, *words)
    assert got["State"] == "FAILED"
    assert got["FailureDetails"]["Message"] == "ValueError: not yet"
    assert jobs.output(f"{base}/out") == []
    assert "subprocess failed with code 1" in jobs.log("stderr")
    # By this name the logs of its containers are found, as EMR's are.
    assert re.search(r"Submitted application application_\d+_0001\n", jobs.log("syslog"))
    assert "Streaming Command Failed!" in jobs.log("stderr")


def test_a_task_that_outgrows_its_memory_is_killed_as_yarn_does(jobs: HadoopJobs) -> None:
    base = jobs.folder_of(hog_py=HOG)
    limits = ["-D", "mapreduce.map.memory.mb=128", "-D", "mapreduce.map.maxattempts=1"]
    words = ["-input", f"{base}/in/a.txt", "-output", f"{base}/out", "-mapper", "python3 hog.py"]
    got = jobs.run(*limits, "-files", f"{base}/hog.py", *words)
    assert got["State"] == "FAILED"
    told = got["FailureDetails"]["Message"]
    assert "beyond the 'PHYSICAL' memory limit. Current usage: " in told
    assert "of 128 MB physical memory used" in told


def test_a_task_without_a_sign_of_life_is_killed(jobs: HadoopJobs) -> None:
    base = jobs.folder_of()
    limits = ["-D", "mapreduce.task.timeout=1000", "-D", "mapreduce.map.maxattempts=1"]
    words = ["-input", f"{base}/in/a.txt", "-output", f"{base}/out", "-mapper", "sleep 60"]
    got = jobs.run(*limits, *words)
    assert got["FailureDetails"]["Message"].endswith("Timed out after 1 secs")


@pytest.mark.parametrize(
    ("input_", "output", "told"),
    [("none", "out", "Input path does not exist"), ("in", "in", "already exists")],
)
def test_hadoop_refuses(jobs: HadoopJobs, input_: str, output: str, told: str) -> None:
    base = jobs.folder_of()
    words = ["-input", f"{base}/{input_}", "-output", f"{base}/{output}", "-mapper", "cat"]
    got = jobs.run(*words)
    assert got["State"] == "FAILED"
    assert told in got["FailureDetails"]["Message"]


def test_steps_hand_on_by_hdfs(jobs: HadoopJobs) -> None:
    base = jobs.folder_of(map_py=MAPPER)
    between = f"hdfs:///tmp/{unique('between')}"
    files = ["-files", f"{base}/map.py", "-D", "stream.non.zero.exit.is.failure=false"]
    words = ["-input", f"{base}/in/a.txt", "-output", between, "-mapper", "map.py"]
    assert jobs.run(*files, *words, "-reducer", "bash -c 'cat; exit 3'")["State"] == "COMPLETED"
    words = ["-input", between, "-output", f"{base}/out", "-mapper", "cat", "-reducer", "NONE"]
    assert jobs.run(*words)["State"] == "COMPLETED"
    assert len(jobs.output(f"{base}/out")) == len(TEXT.split())


def test_an_input_ten_times_the_memory_is_sorted(jobs: HadoopJobs) -> None:
    base = jobs.folder_of()
    lines = "".join(f"{n * 7919 % 1_000_003:07d} {'x' * 120}\n" for n in range(320_000))
    jobs.put("large/a.txt", lines)
    limit = len(lines) // 10 >> 20
    memory = [f"mapreduce.{kind}.memory.mb={limit}" for kind in ("map", "reduce")]
    limits = [word for each in memory for word in ("-D", each)]
    words = ["-input", f"{base}/large", "-output", f"{base}/out"]
    got = jobs.run(*limits, *words, "-mapper", "cat", "-reducer", "cat")
    assert got["State"] == "COMPLETED", jobs.log("stderr")
    found = [line.rstrip("\t") for line in jobs.output(f"{base}/out")]
    assert found == sorted(lines.splitlines())


def test_an_archive_is_unpacked_beside_the_task(jobs: HadoopJobs) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("helper.py", "WORD = 'helped'\n")
    base = jobs.folder_of(map_py="import os, helper\nprint(helper.WORD, os.environ['SEED'])\n")
    packed_uri = jobs.put("p.zip", packed.getvalue())
    shipped = ["-archives", f"{packed_uri}#program", "-files", f"{base}/map.py"]
    variables = ["-cmdenv", "PYTHONPATH=program", "-cmdenv", "SEED=7"]
    words = ["-input", f"{base}/in/a.txt", "-output", f"{base}/out", "-reducer", "NONE"]
    got = jobs.run(*shipped, *words, "-mapper", "python3 map.py", *variables)
    assert got["State"] == "COMPLETED", got
    assert [line.strip() for line in jobs.output(f"{base}/out")] == ["helped 7"]


def test_a_line_without_a_tab_is_a_key_with_an_empty_value(jobs: HadoopJobs) -> None:
    base = jobs.folder_of(map_py="print('{}')\nprint('a\\tb')\n")
    words = ["-files", f"{base}/map.py", "-input", f"{base}/in/a.txt", "-output", f"{base}/out"]
    got = jobs.run(*words, "-mapper", "python3 map.py", "-reducer", "cat")
    assert got["State"] == "COMPLETED", got
    # In process, headrace.testing does the same.
    assert sorted(jobs.output(f"{base}/out")) == ["a\tb", "{}\t"]


def test_a_key_goes_where_the_tests_in_process_say(jobs: HadoopJobs) -> None:
    keys = ["a", "the", "cat", "é", "日本", "", "x" * 300]
    base = jobs.folder_of()
    source = jobs.put("keys/a.txt", "".join(f"{key}\t1\n" for key in keys))
    words = ["-D", "mapreduce.job.reduces=3", "-input", source, "-output", f"{base}/out"]
    got = jobs.run(*words, "-mapper", "cat", "-reducer", "cat")
    assert got["State"] == "COMPLETED", got
    for number in range(3):
        told = sorted(jobs.output(f"{base}/out/part-{number:05d}"))
        assert told == sorted(f"{k}\t1" for k in keys if partition(k.encode(), 3) == number)


def test_the_log_says_who_runs_it(jobs: HadoopJobs) -> None:
    base = jobs.folder_of()
    jobs.run("-input", f"{base}/in/a.txt", "-output", f"{base}/out", "-mapper", "cat")
    assert "LocalJobRunner" in jobs.log("controller")
    assert "no YARN" in jobs.log("controller")


def test_what_the_local_runner_would_ignore_is_refused(jobs: HadoopJobs) -> None:
    words = ["-D", "mapreduce.map.failures.maxpercent=10", "-input", "a", "-output", "b"]
    got = jobs.run(*words, "-mapper", "cat")
    assert "mapreduce.map.failures.maxpercent=10" in got["FailureDetails"]["Message"]
