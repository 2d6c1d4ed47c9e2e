"""Rehearses a small step of each kind, so that later ones start from an archive of classes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from localcloud.engines.emr import hadoop, hadoop_args, jars_shared, node, spark, spark_args
from localcloud.engines.emr.node_files import Files
from localcloud.engines.emr.node_work import Node, Work

#: Nobody answers there: the classes of S3A are loaded all the same.
NOWHERE = "http://127.0.0.1:9"
PROGRAM = """
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
rows = spark.range(100).withColumn("k", F.col("id") % 3).groupBy("k").agg(F.sum("id").alias("n"))
rows.write.mode("overwrite").parquet("hdfs:///tmp/rehearsal")
spark.read.parquet("hdfs:///tmp/rehearsal").join(rows, "k").orderBy("k").show()
spark.sparkContext.parallelize([1, 2], 2).map(lambda n: (n, n)).reduceByKey(max).collect()
try:
    spark.read.parquet("s3://rehearsal/none")
except Exception as fault:
    print(type(fault))
"""


def main() -> None:
    """Make the archives of Hadoop and of Spark, in the folder of the jars."""
    with tempfile.TemporaryDirectory(prefix="localcloud-") as scratch:
        base = Path(scratch)
        quick = {"fs.s3a.attempts.maximum": "1", "fs.s3a.retry.limit": "1"}
        keys = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
        settings = {"core-site": quick}
        place = node.lay_out(Node(base, NOWHERE, "us-east-1", 1, 4096, keys, settings))
        environment = place.environment(os.environ)
        work = Work([], base / "work", base / "work", base / "work")
        work.folder.mkdir()
        streaming = _streaming(place, work, base)
        environment[hadoop.FACTS] = str(hadoop.facts(place, work, "0_0001", streaming))
        words = hadoop.command(place, work, streaming)
        listing = [*words[: words.index(hadoop.MAIN)], "org.apache.hadoop.fs.FsShell"]
        listing += ["-ls", "s3://rehearsal/none"]
        jars_shared.make(
            "hadoop",
            place.hadoop_jars,
            [(words, environment, work.folder), (listing, environment, work.folder)],
        )
        (base / "program.py").write_text(PROGRAM)
        given = spark_args.parse([str(base / "program.py")])
        words = spark.command(place, given, Files(place, base), work.folder)
        jars_shared.make("spark", spark.class_path(place), [(words, environment, work.folder)])


def _streaming(place: node.Place, work: Work, base: Path) -> hadoop_args.Arguments:
    (base / "text").write_text("a b\nb c\n")
    hadoop.scratch(work).mkdir()
    words = ["-input", (base / "text").as_uri(), "-output", "hdfs:///tmp/rehearsed"]
    return hadoop_args.parse([*words, "-mapper", "cat", "-combiner", "cat", "-reducer", "cat"])
