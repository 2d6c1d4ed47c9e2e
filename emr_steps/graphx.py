"""Components and triangles by GraphX, which is part of Spark, called through py4j.

GraphX has no Python API. Its algorithms take an RDD of pairs, which a DataFrame of two longs is
once it is a Dataset of tuples, and give one back. They count in integers and smallest numbers, so
their answers depend on no order.
"""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, SparkSession

from emr_steps.graph_numbers import Graph

#: GraphX's loop ends when nothing is left to peel off; a limit below would cut an answer short.
FOREVER = 2**31 - 1


def components(graph: Graph) -> DataFrame:
    """Weakly connected components: ``id`` and ``component``, the smallest number in it."""
    x = _GraphX(graph)
    return x.answer(x.lib.ConnectedComponents.run(x.graph, x.tag, x.tag), "component")


def strong_components(graph: Graph) -> DataFrame:
    """Strongly connected components: ``id`` and ``strong_component``, the smallest number in it."""
    x = _GraphX(graph, both_ways=not graph.directed)
    made = x.lib.StronglyConnectedComponents.run(x.graph, FOREVER, x.tag, x.tag)
    return x.answer(made, "strong_component")


def triangles(graph: Graph) -> DataFrame:
    """Triangles through each vertex, direction aside: ``id`` and ``triangles``.

    GraphX takes self-loops and second edges out first, so the count is that of networkx.
    """
    x = _GraphX(graph)
    return x.answer(x.lib.TriangleCount.run(x.graph, x.tag, x.tag), "triangles", "INT")


class _GraphX:
    """A graph of ours as a GraphX graph; vertices without an edge are not in it."""

    def __init__(self, graph: Graph, both_ways: bool = False) -> None:
        self._spark: SparkSession = graph.edges.sparkSession
        jvm: Any = self._spark._jvm
        self._encoders = jvm.org.apache.spark.sql.Encoders
        graphx = jvm.org.apache.spark.graphx
        self.lib = graphx.lib
        self.tag = _scala(jvm.scala.reflect, "ClassTag").apply(
            jvm.java.lang.Class.forName("java.lang.Integer")
        )
        level = jvm.org.apache.spark.storage.StorageLevel.MEMORY_AND_DISK()
        pairs = (graph.arcs if both_ways else graph.edges).select("src", "dst").toDF("_1", "_2")
        rows = getattr(pairs._jdf, "as")(self._pairs("LONG")).rdd()
        none = _scala(jvm.scala, "None")
        self.graph = graphx.Graph.fromEdgeTuples(rows, 1, none, level, level, self.tag)

    def _pairs(self, value: str) -> Any:
        encoders = self._encoders
        return encoders.tuple(encoders.LONG(), getattr(encoders, value)())

    def answer(self, made: Any, name: str, value: str = "LONG") -> DataFrame:
        """The vertices of a graph that GraphX made, as a DataFrame of longs."""
        spark = self._spark
        rows = spark._jsparkSession.createDataset(made.vertices(), self._pairs(value))
        found = DataFrame(rows.toDF(), spark)
        return found.toDF("id", name).selectExpr("id", f"CAST({name} AS long) AS {name}")


def _scala(package: Any, name: str) -> Any:
    """A Scala object; py4j can't spell the dollar sign of its class."""
    return getattr(getattr(package, f"{name}$"), "MODULE$")
