"""What a stage on a cluster is given: its steps' words, its input's facts, and the cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lambdas.run.prepare import NothingThere, PrepareError
from lambdas.run.steps import StepError, Work, params_text, quoted
from tests.unit.registering import NOW, Study, job_stage, query_stage, spark_stage, study_on_moto

PROGRAM = {
    "file": "s3://assets/f.py",
    "archive": "s3://assets/a.zip",
    "jars": [],
    "python": "python3.11",
}


def prepared(study: Study, **more: Any) -> dict[str, Any]:
    return study.prepare(study.begin("r"), "squares", program=PROGRAM, **more)


@pytest.fixture
def spark(tmp_path: Path) -> Any:
    with study_on_moto(tmp_path, spark_stage(), query_stage()) as made:
        yield made


def test_a_job_s_steps_read_what_the_one_before_wrote(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, job_stage()) as study:
        told = prepared(study)
    assert told["sql"].endswith("WITH (format='JSON', compression='NONE')")
    assert told["workers"] == 3
    uri = f"s3://lake/{told['prefix']}"
    environment = ["-cmdenv", "PYTHONPATH=program", "-cmdenv", "HEADRACE_SEED=25"]
    environment += ["-cmdenv", "HEADRACE_WORKERS=3"]
    launch = "python3.11 program/emr_steps/launch.py emr_steps/words.py"
    first, second = told["steps"]
    assert first == [
        "hadoop-streaming",
        *("-D", "mapreduce.job.name=squares 1/2", "-D", "mapreduce.job.reduces=3"),
        *("-archives", "s3://assets/a.zip#program", *environment),
        *("-input", f"{uri}in/", "-output", f"{uri}mid-1/"),
        *("-mapper", f"{launch} --step-num=0 --mapper --power=2"),
        *("-reducer", f"{launch} --step-num=0 --reducer --power=2"),
    ]
    assert second[second.index("-input") :] == [
        *("-input", f"{uri}mid-1/", "-output", f"{uri}out/", "-mapper", "cat"),
        *("-reducer", f"{launch} --step-num=1 --reducer --power=2"),
    ]


def work(**more: Any) -> Work:
    return Work(job_stage(**more), "s3://lake/t/", "s3://lake/files/w/", PROGRAM, 1, 1)


def test_a_job_without_a_reducer_reduces_nothing_whatever_it_says() -> None:
    conf = {"mapreduce.job.reduces": "7", "x.y": "1"}
    step = {"mapper": True, "combiner": False, "reducer": False, "raw": False, "jobconf": conf}
    (words,) = work(steps=[step]).steps()
    assert "mapreduce.job.reduces=0" in words
    assert "x.y=1" in words
    assert "-reducer" not in words


def test_the_jobs_own_settings_win() -> None:
    conf = {"mapreduce.job.reduces": "7"}
    step = {"mapper": True, "combiner": False, "reducer": True, "raw": False, "jobconf": conf}
    (words,) = work(steps=[step | {"partitioner": "a.B", "output_format": "c.D"}]).steps()
    assert "mapreduce.job.reduces=7" in words
    assert words[words.index("-partitioner") + 1] == "a.B"
    assert words[words.index("-outputformat") + 1] == "c.D"


def test_a_job_that_takes_whole_files_of_a_prefix_gets_a_list_of_them() -> None:
    step = {"mapper": True, "combiner": False, "reducer": True, "raw": True, "jobconf": {}}
    (words,) = work(steps=[step], prefix="s3://{lake}/files/w/").steps()
    assert words[words.index("-input") + 1] == "s3://lake/t/manifest/"
    assert words[words.index("-inputformat") + 1].endswith("NLineInputFormat")
    (words,) = work(steps=[step]).steps()
    assert "-inputformat" not in words


def test_a_spark_program_is_submitted_once(spark: Study) -> None:
    told = prepared(spark)
    uri = f"s3://lake/{told['prefix']}"
    assert "FORMAT='PARQUET'" in told["sql"].upper()
    (words,) = told["steps"]
    assert words[:6] == [
        "spark-submit",
        "--deploy-mode",
        "cluster",
        "--name",
        "squares",
        "--archives",
    ]
    settings = [words[i + 1] for i, w in enumerate(words) if w == "--conf"]
    assert settings == [
        "spark.yarn.appMasterEnv.PYTHONPATH=program",
        "spark.executorEnv.PYTHONPATH=program",
        "spark.yarn.appMasterEnv.HEADRACE_SEED=25",
        "spark.executorEnv.HEADRACE_SEED=25",
        "spark.yarn.appMasterEnv.HEADRACE_WORKERS=3",
        "spark.executorEnv.HEADRACE_WORKERS=3",
        "spark.pyspark.python=python3.11",
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON=python3.11",
    ]
    assert words[-7:] == [
        *("s3://assets/f.py", "--input", f"{uri}in/", "--output", f"{uri}out/"),
        *("--params", '{"power": 2}'),
    ]


@pytest.mark.parametrize(
    "params", [{"a": {"b": {}}}, {"a": "}}}} {{{"}, {"a": [{"b": {"c": "\\}}"}}], "d": '"}}'}]
)
def test_params_hold_no_pair_of_braces(params: dict[str, Any]) -> None:
    text = params_text(params)
    assert json.loads(text) == params
    assert "{{" not in text
    assert "}}" not in text


def test_words_are_quoted_as_streaming_takes_them() -> None:
    assert [quoted(w) for w in ("--n=3", "--w=a b", "--w=it's", "--w=")] == [
        *("--n=3", "'--w=a b'", '"--w=it\'s"', "--w=")
    ]


def test_more_than_emr_takes_is_refused(tmp_path: Path) -> None:
    with (
        study_on_moto(tmp_path, spark_stage(params={"text": "x" * 10_000})) as study,
        pytest.raises(StepError, match="10,240"),
    ):
        prepared(study)


def test_a_stage_without_its_program_is_refused(spark: Study) -> None:
    with pytest.raises(PrepareError, match="no `program`"):
        spark.prepare(spark.begin("r"), "squares")


def look(study: Study, told: dict[str, Any]) -> dict[str, Any]:
    event = {"op": "look", "stage": "squares", "prefix": told["prefix"], "program": PROGRAM}
    return study.runner.answer(event, NOW)


def put(study: Study, key: str, body: bytes = b"abc") -> None:
    study.s3.put_object(Bucket="lake", Key=key, Body=body)


def test_what_a_stage_reads_is_looked_at_once_it_lies_there(spark: Study) -> None:
    told = prepared(spark)
    with pytest.raises(NothingThere, match="rows that its SQL gives"):
        look(spark, told)
    put(spark, f"{told['prefix']}in/x1")
    put(spark, f"{told['prefix']}in/_SUCCESS", b"")
    assert look(spark, told) == {"files": 1, "bytes": 3}
    facts = json.loads(
        spark.s3.get_object(Bucket="lake", Key=f"{told['prefix']}facts.json")["Body"].read()
    )
    assert facts["engine"] == "Amazon EMR emr-7.13.0, Hadoop 3.4.2, Spark 3.5.6"
    assert (facts["items"], facts["bytes_in"], facts["seed"]) == (0, 3, 25)
    assert facts["files"] == [f"{told['prefix']}in/x1"]
    again = spark.prepare(spark.begin("s"), "squares", program=PROGRAM)
    put(spark, f"{again['prefix']}in/drawn-anew")
    look(spark, again)
    other = json.loads(
        spark.s3.get_object(Bucket="lake", Key=f"{again['prefix']}facts.json")["Body"].read()
    )
    assert other["input_checksum"] == facts["input_checksum"]  # Athena draws names


def test_a_prefix_is_listed_at_any_depth_without_what_hadoop_hides(tmp_path: Path) -> None:
    step = {"mapper": True, "combiner": False, "reducer": True, "raw": True, "jobconf": {}}
    stage = job_stage(sql=[], prefix="s3://{lake}/files/w/", steps=[step])
    with study_on_moto(tmp_path, stage) as study:
        told = prepared(study)
        assert told["sql"] == ""
        with pytest.raises(NothingThere, match="bytes under s3://lake/files/w/"):
            look(study, told)
        for name in ("a.warc", "b/c.warc", "_tmp/d", "b/.hidden"):
            put(study, f"files/w/{name}")
        assert look(study, told) == {"files": 2, "bytes": 6}
        listed = study.s3.get_object(Bucket="lake", Key=f"{told['prefix']}manifest/files.txt")
        assert listed["Body"].read() == b"s3://lake/files/w/a.warc\ns3://lake/files/w/b/c.warc\n"


def cluster(study: Study, run: dict[str, Any], *stages: str) -> dict[str, Any]:
    return study.runner.answer({"op": "cluster", "run": run, "stages": list(stages)}, NOW)


def test_a_cluster_is_wanted_where_a_stage_of_it_is_to_do(spark: Study) -> None:
    told = cluster(spark, spark.begin("r"), "squares")
    assert told == {
        "todo": True,
        "why": "for squares",
        "name": "headrace-tests",
        "ebs_gib": 32,
        "parallel": 1,
    }
    run = spark.begin("r", only=["how_many"])
    assert cluster(spark, run, "squares")["todo"] is False


def test_a_stage_that_was_done_wants_a_cluster_where_one_before_it_is_to_do(
    tmp_path: Path,
) -> None:
    later = spark_stage(name="cubes", sql=["SELECT n FROM squares", {"pin": "squares"}, ""])
    with study_on_moto(tmp_path, spark_stage(), later) as study:
        run = study.begin("r")
        done = {"attempt": 1, "snapshots": {"squares": None}, "snapshot": 5}
        put(study, "runs/r/cubes/done.json", json.dumps(done).encode())
        told = cluster(study, run, "cubes")
        assert (told["todo"], told["why"]) == (True, "for cubes")
        assert cluster(study, run, "squares", "cubes")["parallel"] == 2


def test_disks_grow_with_what_is_read(tmp_path: Path) -> None:
    from lambdas.run.cluster import wanted

    with study_on_moto(tmp_path, spark_stage()) as study:
        run = study.begin("r")
        plan, s3 = study.runner.plan, study.s3

        def gib(size: int) -> int:
            told = wanted(s3, "lake", plan, run, ["squares"], lambda *_: size)
            return int(told["ebs_gib"])

        assert [gib(n << 30) for n in (1, 20, 1000)] == [32, 80, 1000]
        assert cluster(study, run, "squares")["ebs_gib"] == 32
