"""A graph whose vertices are numbers: 0 to n - 1, in the order of their names.

So the smallest number of a set is its smallest name, whatever the number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812


@dataclass(frozen=True)
class Graph:
    """A graph without duplicate edges.

    Parameters
    ----------
    names : DataFrame
        ``id`` (0 to n - 1, in the order of ``vertex``) and ``vertex``.
    edges : DataFrame
        ``src``, ``dst`` (ids), ``weight`` (double, 1.0 each where the edges have none).
    directed : bool
        Where it isn't, an edge is told once and read both ways.
    weighted : bool
        Whether the weights differ from 1.
    """

    names: DataFrame
    edges: DataFrame
    directed: bool = True
    weighted: bool = True

    @cached_property
    def order(self) -> int:
        """Number of vertices."""
        return self.names.count()

    @cached_property
    def size(self) -> int:
        """Number of edges."""
        return self.edges.count()

    @cached_property
    def arcs(self) -> DataFrame:
        """The edges as one walks them: of an undirected graph, both ways."""
        if self.directed:
            return self.edges
        back = self.edges.where("src != dst").select(
            F.col("dst").alias("src"), F.col("src").alias("dst"), "weight"
        )
        return self.edges.union(back)


def by_number(
    edges: DataFrame, more: DataFrame | None = None, directed: bool = True, weighted: bool = True
) -> Graph:
    """Make a graph of edges between names: ``src``, ``dst``, ``weight``, each pair once.

    `more` are vertices (``vertex``) that may have no edge.
    """
    ends = edges.select(F.col("src").alias("vertex")).union(edges.select("dst"))
    names = numbered((ends if more is None else ends.union(more)).distinct())
    source, target = names.toDF("s", "src"), names.toDF("t", "dst")
    numbers = (
        edges.join(source, "src")
        .join(target, "dst")
        .select(F.col("s").alias("src"), F.col("t").alias("dst"), "weight")
    )
    return Graph(names, numbers.persist(StorageLevel.MEMORY_AND_DISK), directed, weighted)


def numbered(vertices: DataFrame) -> DataFrame:
    """Number distinct values 0 to n - 1 in their order: columns ``id`` and ``vertex``.

    A sort gives each partition a range; a value's number is its place in its partition, which is
    the low 33 bits of Spark's own ids, after all partitions before.
    """
    ordered = vertices.orderBy("vertex").select(
        "vertex",
        F.spark_partition_id().alias("part"),
        F.monotonically_increasing_id().alias("at"),
    )
    ordered = ordered.persist(StorageLevel.MEMORY_AND_DISK)
    before, starts = 0, {}
    for part, count in sorted(
        (r["part"], r["count"]) for r in ordered.groupBy("part").count().collect()
    ):
        starts[part] = before - (part << 33)
        before += count
    start = F.lit(0).cast("long")
    for part, shift in starts.items():
        start = F.when(F.col("part") == part, F.lit(shift)).otherwise(start)
    numbers = ordered.select((F.col("at") + start).alias("id"), "vertex")
    return numbers.persist(StorageLevel.MEMORY_AND_DISK)
