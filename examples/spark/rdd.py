"""RDD transformations and actions, and when anything is computed at all.

    python -m examples.spark.rdd

The notes list map, filter, sample, group by key, reduce by key and join, and collect, reduce and
count, without a program. Two of their sentences need correcting:

- "Group by key" and "reduce by key" are not two ways to say the same. groupByKey sends every value
  across the network; reduceByKey adds up in each partition first. Use the second for sums.
- Spark does not keep data in RAM by itself: each action computes its whole chain of
  transformations anew, unless an RDD is cached. The program counts that.
"""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

VOTES = [("ann", 3), ("bob", 1), ("ann", 2), ("cy", 5), ("bob", 4)]
HOMES = [("ann", "north"), ("bob", "south"), ("cy", "north")]


def lazily(spark: SparkSession) -> list[int]:
    """How often a function was called after a transformation, an action, a second, and cached.

    Returns
    -------
    list of int
        0 after the transformation, 5 after an action on five rows, 10 after another; 15 once it
        is cached and counted, and 15 still after one more action.
    """
    context = spark.sparkContext
    calls = context.accumulator(0)

    def doubled(vote: tuple[str, int]) -> tuple[str, int]:
        calls.add(1)
        return vote[0], 2 * vote[1]

    seen = []
    twice = context.parallelize(VOTES, 2).map(doubled)
    seen.append(calls.value)  # a transformation: nothing ran
    twice.count()
    seen.append(calls.value)  # an action: all rows
    twice.count()
    seen.append(calls.value)  # another: all rows again
    twice.cache().count()
    seen.append(calls.value)
    twice.count()
    seen.append(calls.value)  # from memory
    return seen


def transformed(spark: SparkSession) -> dict[str, Any]:
    """Each transformation of the notes, ended by an action."""
    context = spark.sparkContext
    votes, homes = context.parallelize(VOTES, 2), context.parallelize(HOMES, 2)
    return {
        "map": votes.map(lambda v: v[1]).collect(),
        "filter": votes.filter(lambda v: v[1] > 2).collect(),
        "sample": votes.sample(False, 0.5, seed=25).count(),
        "group_by_key": sorted((k, sorted(v)) for k, v in votes.groupByKey().collect()),
        "reduce_by_key": sorted(votes.reduceByKey(lambda a, b: a + b).collect()),
        "join": sorted(votes.join(homes).collect()),
        "reduce": votes.map(lambda v: v[1]).reduce(lambda a, b: a + b),
        "count": votes.count(),
    }


def main(spark: SparkSession) -> None:
    """Print what was computed, and when."""
    print("calls after map, count, count, cache and count, count:", lazily(spark))
    for name, answer in transformed(spark).items():
        print(f"{name}: {answer}")


if __name__ == "__main__":
    main(SparkSession.builder.getOrCreate())
