"""The frame of a Spark program: ``--input URI --output URI --params JSON`` in, Parquet out.

A program is a function from a :class:`Program` to a DataFrame, and the line ``main(function)``.
What it has to say beside its rows (an edge that no vertex has, a model that did not converge) it
notes as facts, which go to ``facts/`` beside the output and are printed where they are warnings.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pyspark.sql import DataFrame, SparkSession


class ProgramError(ValueError):
    """What a program was given can't be computed."""


@dataclass
class Program:
    """What a program was called with, and what it notes.

    Parameters
    ----------
    spark : SparkSession
        The session; a program leaves its settings as they are where the stage's `conf` set them.
    input, output : str
        URIs of what is read and written.
    params : mapping
        The stage's `params`.
    seed, workers : int
        Of the study and the stage (``HEADRACE_SEED``, ``HEADRACE_WORKERS``).
    """

    spark: SparkSession
    input: str
    output: str
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    workers: int = 1
    facts: dict[str, int | float | str] = field(default_factory=dict)

    def read(self) -> DataFrame:
        """Read the input's Parquet files."""
        return self.spark.read.parquet(self.input)

    def param(self, name: str, default: Any) -> Any:
        """Give a parameter, of the type of its default."""
        value = self.params.get(name, default)
        if default is not None and not isinstance(value, type(default)):
            raise ProgramError(
                f"While reading the stage's params, found {name}={value!r}. "
                f"It is a {type(default).__name__}, by default {default!r}. Correct the study."
            )
        return value

    def known(self, *names: str) -> None:
        """Refuse parameters that the program does not have, which are mostly misspelt ones."""
        unknown = sorted(set(self.params) - set(names))
        if unknown:
            raise ProgramError(
                f"While reading the stage's params, found {', '.join(unknown)}. "
                f"This program knows {', '.join(sorted(names))}. Correct the study."
            )

    def partitions(self, rows: int, each: int = 250_000) -> int:
        """Partitions for a shuffle of so many rows, and make them the session's.

        Spark's 200 take longer to schedule than a small table to compute. No answer depends on
        it: programs add integers where order would tell.
        """
        count = min(200, max(2, self.spark.sparkContext.defaultParallelism, -(-rows // each)))
        self.spark.conf.set("spark.sql.shuffle.partitions", str(count))
        return count

    def note(self, name: str, value: int | float | str) -> None:
        """Note a fact of the run, shown by the board and ``why``."""
        self.facts[name] = value

    def warn(self, name: str, value: int | float | str, sentence: str) -> None:
        """Note a fact that a reader of the result must know, and say it aloud."""
        self.note(name, value)
        print(f"WARNING: {sentence}", file=sys.stderr, flush=True)


def arguments(words: list[str]) -> argparse.Namespace:
    """Read a program's words; `params` is a JSON object."""
    parser = argparse.ArgumentParser(description="A Spark program of a study's stage")
    for name, meaning in (("input", "URI that is read"), ("output", "URI that is written")):
        parser.add_argument(f"--{name}", required=True, help=meaning)
    parser.add_argument("--params", type=json.loads, default={}, help="a JSON object")
    told = parser.parse_args(words)
    if not isinstance(told.params, dict):
        parser.error("--params is no JSON object")
    return told


def main(work: Callable[[Program], DataFrame]) -> None:
    """Run a program as a step: from the words of its command line to its output.

    The facts are written before the output, whose ``_SUCCESS`` so comes last. An output that
    exists is refused, by Spark itself.
    """
    told = arguments(sys.argv[1:])
    spark = SparkSession.builder.getOrCreate()
    program = Program(
        spark,
        told.input,
        told.output,
        told.params,
        int(os.environ.get("HEADRACE_SEED", "0")),
        int(os.environ.get("HEADRACE_WORKERS", "1")),
    )
    try:
        run(program, work, PurePosixPath(sys.argv[0]).stem)
    finally:
        spark.stop()


def run(program: Program, work: Callable[[Program], DataFrame], name: str) -> None:
    """Compute, write the facts as ``facts/NAME.json`` beside the output, then the output."""
    made = work(program)
    if program.facts:
        write_text(
            program.spark, beside(program.output, f"facts/{name}.json"), json.dumps(program.facts)
        )
    made.write.parquet(program.output)


def beside(uri: str, name: str) -> str:
    """The URI of what lies beside `uri`."""
    return f"{uri.rstrip('/').rpartition('/')[0]}/{name}"


def write_text(spark: SparkSession, uri: str, text: str) -> None:
    """Write a text by Hadoop's own file system, which knows ``s3://`` on any node."""
    hadoop = spark.sparkContext._jvm.org.apache.hadoop.fs  # type: ignore[union-attr]
    path = hadoop.Path(uri)
    file = path.getFileSystem(spark._jsc.hadoopConfiguration()).create(path, True)
    try:
        file.write(bytearray(text.encode()))
    finally:
        file.close()
