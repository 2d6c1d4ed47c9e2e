"""Graph analytics: PageRank and a motif, on a graph small enough to check by hand.

    python -m examples.spark.graph_motifs

The notes only point to a talk on GraphFrames. Two things its slides leave out: GraphFrames'
PageRank does not sum to 1, and an edge that names a vertex which isn't in the vertex table is
dropped in silence. Here ranks sum to 1, and such an edge is told (`edges_without_vertex`).
The motif is the talk's own kind: whom might you know, through somebody you follow?
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from emr_steps.graph_measures import pagerank
from emr_steps.graph_numbers import by_number
from emr_steps.motifs import find, parse

FOLLOWS = [("ann", "bob"), ("bob", "cy"), ("cy", "ann"), ("cy", "dee"), ("eve", "cy")]


def follows(spark: SparkSession) -> DataFrame:
    """Who follows whom."""
    return spark.createDataFrame(
        [(a, b, 1.0) for a, b in FOLLOWS], "src string, dst string, weight double"
    )


def ranks(edges: DataFrame) -> dict[str, float]:
    """PageRank of each name."""
    graph = by_number(edges, weighted=False)
    found = pagerank(graph, parts=2, tol=1e-12).ranks
    return {row["vertex"]: float(found[row["id"]]) for row in graph.names.collect()}


def suggestions(edges: DataFrame) -> list[tuple[str, str]]:
    """Pairs (a, c): a follows somebody who follows c, and does not follow c."""
    pattern = parse("(a)-[]->(b); (b)-[]->(c); !(a)-[]->(c)")
    return sorted(
        map(tuple, find(edges, pattern, distinct=True).select("a", "c").distinct().collect())
    )


def main(spark: SparkSession) -> None:
    """Print ranks and suggestions."""
    edges = follows(spark)
    print(ranks(edges))
    print(suggestions(edges))


if __name__ == "__main__":
    main(SparkSession.builder.getOrCreate())
