r"""Word count and the most used word: the notes' MapReduce jobs, in Spark, twice.

    python -m examples.spark.word_count FILE

The pattern is the notes' own, ``[\w']+`` in lower case. As printed for mrjob, `max` over (count,
word) pairs gives the last word of the alphabet among equals, which isn't said; here it is. The RDD
version moves each line to Python; the DataFrame version stays in Java and is several times faster.
"""

from __future__ import annotations

import re
import sys

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

WORD = re.compile(r"[\w']+")


def by_rdd(spark: SparkSession, uri: str) -> list[tuple[str, int]]:
    """Count words by flatMap and reduceByKey, which combines before it sends."""
    words = spark.sparkContext.textFile(uri).flatMap(lambda line: WORD.findall(line.lower()))
    return sorted(words.map(lambda w: (w, 1)).reduceByKey(lambda a, b: a + b).collect())


def by_dataframe(spark: SparkSession, uri: str) -> DataFrame:
    """Count words by Spark's own functions: columns `word` and `count`."""
    # (?U): Java's \w is ASCII alone otherwise, and counts "café" as "caf".
    words = F.regexp_extract_all(F.lower("value"), F.lit(r"(?U)([\w']+)"))
    return spark.read.text(uri).select(F.explode(words).alias("word")).groupBy("word").count()


def most_used(counts: DataFrame) -> tuple[int, str]:
    """The largest count and its word; of equals, the last of the alphabet."""
    best = counts.agg(F.max(F.struct("count", "word")).alias("best")).select("best.*").first()
    if best is None or best["word"] is None:
        raise ValueError("While looking for the most used word, found no word. Give a text.")
    return best["count"], best["word"]


def main(spark: SparkSession, uri: str) -> None:
    """Print the most used word."""
    print(most_used(by_dataframe(spark, uri)))


if __name__ == "__main__":
    main(SparkSession.builder.getOrCreate(), *sys.argv[1:])
