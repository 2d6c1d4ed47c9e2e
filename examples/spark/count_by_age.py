"""DataFrame group-by: how many people of each age.

    python -m examples.spark.count_by_age

As printed, the notes' line `countsByAge = (df.groupBy("age").count())` stands alone: `df` is made
nowhere, and nothing runs, since on a grouped DataFrame `count` is a transformation; on a DataFrame
it is an action. The order of groups is nobody's promise, so it is asked for. People without an age
are a group of their own: here it is shown, not dropped.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

PEOPLE = [("ann", 31), ("bob", 27), ("cy", 31), ("dee", None), ("eve", 27), ("fay", 64)]


def counts_by_age(people: DataFrame) -> DataFrame:
    """Count the rows of each `age`, youngest first, those without one before."""
    return people.groupBy("age").count().orderBy("age")


def main(spark: SparkSession) -> None:
    """Print the counts; `show` is what computes them."""
    counts_by_age(spark.createDataFrame(PEOPLE, "name string, age int")).show()


if __name__ == "__main__":
    main(SparkSession.builder.getOrCreate())
