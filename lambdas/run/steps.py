"""The steps of a stage on a cluster: what EMR's ``command-runner.jar`` is given, word by word.

A job written with mrjob is run by Hadoop streaming, a step of the job in a step of the cluster,
and a Spark program by one ``spark-submit``. Between two steps of a job the lake holds what the
first one gave. ::

    in/ ─▶ step 1 ─▶ mid-1/ ─▶ step 2 ─▶ out/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Characters of one step's arguments that EMR takes:
#: https://docs.aws.amazon.com/emr/latest/APIReference/API_HadoopJarStepConfig.html
MOST_CHARACTERS = 10_240
LAUNCHER = "program/emr_steps/launch.py"
#: Gives a mapper lines of a list of files, one a task: https://mrjob.readthedocs.io/en/latest/
#: job.html#mrjob.job.MRJob.mapper_raw
BY_LINE = "org.apache.hadoop.mapred.lib.NLineInputFormat"


class StepError(RuntimeError):
    """A stage's steps can't be given to EMR."""


@dataclass(frozen=True)
class Work:
    """What a stage's steps are made of.

    Parameters
    ----------
    stage : mapping
        From the deployed plan.
    uri : str
        ``s3://`` prefix of the try.
    source : str
        ``s3://`` prefix of what is read.
    program : mapping
        ``file``, ``archive``, ``jars`` (URIs) and ``python``, the nodes' command.
    seed, workers : int
        Of the study, and the nodes that there are at most.
    """

    stage: Mapping[str, Any]
    uri: str
    source: str
    program: Mapping[str, Any]
    seed: int
    workers: int

    def steps(self) -> list[list[str]]:
        """The arguments of each step.

        Raises
        ------
        StepError
            Where they are more than EMR takes.
        """
        if self.stage["kind"] == "spark":
            found = [self._spark()]
        else:
            found = [self._streaming(number) for number in range(len(self.stage["steps"]))]
        for number, words in enumerate(found, 1):
            size = sum(map(len, words))
            if size > MOST_CHARACTERS:
                raise StepError(
                    f"While preparing step {number} of stage {self.stage['name']}, found arguments "
                    f"of {size:,} characters, where EMR takes {MOST_CHARACTERS:,}. Put long "
                    "params into a file or a table that the program reads."
                )
        return found

    @property
    def _environment(self) -> dict[str, str]:
        told = {"HEADRACE_SEED": str(self.seed), "HEADRACE_WORKERS": str(self.workers)}
        return {"PYTHONPATH": "program"} | told

    def _streaming(self, number: int) -> list[str]:
        steps = self.stage["steps"]
        step, count = steps[number], len(steps)
        words = ["hadoop-streaming", *self._settings(number)]
        words += ["-archives", f"{self.program['archive']}#program"]
        if "partitioner" in step:
            words += ["-partitioner", step["partitioner"]]
        lists = lists_files(self.stage) and number == 0
        if lists or "input_format" in step:
            words += ["-inputformat", BY_LINE if lists else step["input_format"]]
        if "output_format" in step:
            words += ["-outputformat", step["output_format"]]
        for name, value in self._environment.items():
            words += ["-cmdenv", f"{name}={value}"]
        first = f"{self.uri}manifest/" if lists else self.source
        words += ["-input", f"{self.uri}mid-{number}/" if number else first]
        words += ["-output", f"{self.uri}out/" if number == count - 1 else self._mid(number + 1)]
        words += ["-mapper", self._task(number, "mapper") if step["mapper"] else "cat"]
        return [*words, "-reducer", self._task(number, "reducer")] if step["reducer"] else words

    def _mid(self, number: int) -> str:
        return f"{self.uri}mid-{number}/"

    def _settings(self, number: int) -> list[str]:
        """Hadoop's ``-D``: ours, then the job's own, which win. No reducer, nothing to reduce."""
        step, name = self.stage["steps"][number], self.stage["name"]
        reduces = "mapreduce.job.reduces"
        told = {
            "mapreduce.job.name": f"{name} {number + 1}/{len(self.stage['steps'])}",
            reduces: str(self.stage["reducers"]),
        }
        if self.stage["prefix"] and number == 0:  # a prefix's objects lie at any depth
            told["mapreduce.input.fileinputformat.input.dir.recursive"] = "true"
        told |= step["jobconf"]
        told |= {} if step["reducer"] else {reduces: "0"}
        return [word for name, value in told.items() for word in ("-D", f"{name}={value}")]

    def _task(self, number: int, kind: str) -> str:
        words = [self.program["python"], LAUNCHER, self.stage["program"], f"--step-num={number}"]
        words += [f"--{kind}", *self.stage["arguments"]]
        return " ".join(quoted(word) for word in words)

    def _spark(self) -> list[str]:
        python = self.program["python"]
        words = ["spark-submit", "--deploy-mode", "cluster", "--name", self.stage["name"]]
        words += ["--archives", f"{self.program['archive']}#program"]
        if self.program["jars"]:
            words += ["--jars", ",".join(self.program["jars"])]
        settings = {
            f"{where}.{name}": value
            for name, value in self._environment.items()
            for where in ("spark.yarn.appMasterEnv", "spark.executorEnv")
        }
        settings |= {
            "spark.pyspark.python": python,
            "spark.yarn.appMasterEnv.PYSPARK_PYTHON": python,
            **self.stage["conf"],
        }
        for name, value in settings.items():
            words += ["--conf", f"{name}={value}"]
        words += [self.program["file"], "--input", self.source, "--output", f"{self.uri}out/"]
        return [*words, "--params", params_text(self.stage["params"])]


def lists_files(stage: Mapping[str, Any]) -> bool:
    """Whether a job's first mapper gets whole files, of a prefix: a list of them is its input.

    Of SQL its input is the rows, which name the files themselves.
    """
    return stage["kind"] == "mapreduce" and bool(stage["prefix"]) and stage["steps"][0]["raw"]


def quoted(word: str) -> str:
    r"""A word of a command as Hadoop streaming takes it to pieces: by spaces outside quotes.

    Examples
    --------
    >>> quoted("--stop=a b"), quoted("--min-count=3"), quoted("--by=it's")
    ("'--stop=a b'", '--min-count=3', '"--by=it\'s"')
    """
    if re.fullmatch(r"[\w.,:/=@%+-]+", word):
        return word
    return f'"{word}"' if "'" in word else f"'{word}'"


def params_text(params: Mapping[str, Any]) -> str:
    r"""Params as JSON in which no two braces stand side by side.

    YARN takes ``{{`` and ``}}`` in a command for the marks of its variables:
    https://issues.apache.org/jira/browse/SPARK-17814

    Examples
    --------
    >>> params_text({"a": {"b": {}}, "c": "{{"})
    '{"a": {"b": {} }, "c": "{\\u007b"}'
    """

    def parted(found: re.Match[str]) -> str:
        if not found[0].startswith('"'):
            return f"{found[0]} "
        return found[0].replace("{{", "{\\u007b").replace("}}", "}\\u007d")

    text = json.dumps(params, sort_keys=True)
    return re.sub(r'"(?:[^"\\]|\\.)*"|\}(?=\})', parted, text)
