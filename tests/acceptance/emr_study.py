"""A study whose programs on the cluster go wrong as their input tells them to.

Each stage squares the numbers of a prefix of its own; a line ``999 <fault>`` among them is where
its program goes wrong. So one deployed study fails in any way, and is mended by its input alone.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.acceptance.conftest import PROJECT, House, build

NUMBERS = range(40)
#: Where the line of a fault stands: as many numbers are before it as after it.
MIDDLE = len(NUMBERS) // 2
IDLE_S = 60

STUDY = '''
"""Numbers, squared: a study of the tests' own."""

from dataclasses import dataclass

from headrace.study import Cluster, MapReduce, Spark, Study


@dataclass(frozen=True)
class Square:
    number: int
    squared: int


def job(name):
    source = f"s3://{{lake}}/files/{name}/"
    return MapReduce(name, "studies/faults/job.py", source, Square, reducers=1)


def program(name):
    source, conf = f"s3://{{lake}}/files/{name}/", {"spark.driver.memory": "512m"}
    return Spark(name, "studies/faults/program.py", source, Square, conf=conf)


study = Study(
    name="faults",
    question="What is left of a program that fails?",
    seed=7,
    cluster=Cluster(idle_s=IDLE_S),
    stages=[*map(job, JOBS), *map(program, PROGRAMS)],
)
'''
JOB = '''
"""Numbers, squared, by a job."""

import os
import sys
import time

from mrjob.job import MRJob


class Squares(MRJob):
    JOBCONF = {
        "mapreduce.map.memory.mb": "192",
        "mapreduce.map.maxattempts": "2",
        "mapreduce.reduce.maxattempts": "2",
    }

    def mapper(self, _, line):
        number, _, fault = line.partition(" ")
        if fault == "exit":
            sys.exit("a line that is no number")
        if fault == "raise":
            raise ValueError("a line that is no number")
        if fault == "memory":
            held = []
            while len(held) < 64:
                held.append(bytearray(b"x") * (16 << 20))
                time.sleep(0.02)
        if fault == "sleep":
            time.sleep(600)
        yield int(number), fault

    def reducer(self, number, faults):
        if "die" in faults:
            os.write(1, b"[998, 996004]\\tnull\\n[999, 99")
            os.kill(os.getpid(), 9)
        yield [number, number * number], None


if __name__ == "__main__":
    Squares.run()
'''
PROGRAM = '''
"""Numbers, squared, by Spark."""

import argparse
import os

from pyspark.sql import SparkSession

MARK = "mapreduce.fileoutputcommitter.marksuccessfuljobs"


def main():
    parser = argparse.ArgumentParser()
    for name in ("--input", "--output", "--params"):
        parser.add_argument(name)
    told = parser.parse_args()
    spark = SparkSession.builder.getOrCreate()
    lines = spark.read.text(told.input)
    number = "cast(substring_index(value, ' ', 1) as bigint)"
    rows = lines.selectExpr(f"{number} as number", f"{number} * {number} as squared")
    faults = [row.value.partition(" ")[2] for row in lines.where("value like '% %'").collect()]
    for fault in faults:
        go_wrong(spark, fault, rows, told.output)
    rows.write.parquet(told.output)


def go_wrong(spark, fault, rows, output):
    if fault == "raise":
        raise ValueError("a line that is no number")
    if fault == "memory":
        held = spark._jvm.java.util.ArrayList()
        while True:
            held.add(bytes(8 << 20))
    if fault in ("die", "leave"):
        rows.limit(20).write.option(MARK, "false").parquet(output)
        os._exit(1 if fault == "die" else 0)
    if fault == "twice":
        rows.write.parquet(output)


if __name__ == "__main__":
    main()
'''


def deployed(root: Path, jobs: tuple[str, ...], programs: tuple[str, ...]) -> House:
    """Deploy the study on a cloud of its own."""
    house = build(root)
    try:
        if not (root / "emr_steps").exists():
            shutil.copytree(PROJECT / "emr_steps", root / "emr_steps")
        folder = root / "studies" / "faults"
        folder.mkdir()
        (folder / "__init__.py").write_text('"""A study of the tests\' own."""\n')
        study = STUDY.replace("JOBS", repr(jobs)).replace("PROGRAMS", repr(programs))
        study = study.replace("IDLE_S", str(IDLE_S))
        (folder / "study.py").write_text(study)
        (folder / "job.py").write_text(JOB)
        (folder / "program.py").write_text(PROGRAM)
        house.headrace("deploy", "faults")
    except BaseException:
        house.headrace("down", check=False)
        raise
    return house


def numbers(fault: str = "") -> str:
    """Lines of numbers, with the line of a fault in their middle."""
    lines = [str(number) for number in NUMBERS]
    if fault:
        lines.insert(MIDDLE, f"999 {fault}")
    return "\n".join(lines) + "\n"
