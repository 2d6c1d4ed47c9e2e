"""Measures of a graph's vertices, as a Spark program: a row a vertex, a column a measure.

    Spark("ranks", program="emr_steps/graph.py", input="SELECT voter, candidate FROM votes",
          produces=Rank, params={"source": "voter", "target": "candidate",
                                 "measures": ["pagerank", "component", "triangles"]})

Besides ``vertex`` the output has the columns of the measures that are named:

| measure | column | meaning |
|---|---|---|
| `degrees` | `in_degree`, `out_degree` | edges into and out of the vertex (undirected: alike) |
| `pagerank` | `pagerank` | sums to 1; params `damping` (0.85), `tol` (1e-6), `rounds` |
| `component` | `component` | smallest vertex of its weakly connected component |
| `strong_component` | `strong_component` | smallest vertex of its strongly connected component |
| `triangles` | `triangles` | triangles through it, direction aside |
| `community` | `community` | a vertex that names its community; param `label_rounds` (20) |

The edges are Parquet, or text with ``"format": "edges"``: two names a line with white space
between, lines with ``#`` aside; ``"integers": true`` reads them as numbers.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from emr_steps import graph_measures, graphx
from emr_steps.graph_edges import graph_of
from emr_steps.graph_numbers import Graph
from emr_steps.graph_vectors import column
from emr_steps.spark_program import Program, ProgramError, main

EDGE_PARAMS = tuple("source target weight directed listed unlisted format integers".split())  # noqa: SIM905
MEASURE_PARAMS = ("measures", "damping", "tol", "rounds", "label_rounds")


def measured(program: Program) -> DataFrame:
    """Compute the measures that the params name.

    Raises
    ------
    ProgramError
        For params or edges that can't be read.
    """
    program.known(*EDGE_PARAMS, *MEASURE_PARAMS)
    wanted = program.param("measures", ["pagerank"])
    unknown = [m for m in wanted if m not in MEASURES]
    if unknown or not wanted:
        raise ProgramError(
            f"While reading the stage's params, found measures {wanted}. "
            f"There are {', '.join(MEASURES)}. Name at least one of these."
        )
    graph = graph_of(program, edges(program))
    table = graph.names
    for measure in wanted:
        table = table.join(MEASURES[measure](program, graph), "id", "left")
    return table.drop("id")


def edges(program: Program) -> DataFrame:
    """Read the edges as the params say: Parquet, or lines of two names."""
    kind = program.param("format", "parquet")
    if kind == "parquet":
        return program.read()
    if kind != "edges":
        raise ProgramError(
            f"While reading the stage's params, found format {kind!r}. "
            "Edges are read from parquet or from edges, which is text. Name one of these."
        )
    return _lines(program)


def _lines(program: Program) -> DataFrame:
    line = F.trim(F.regexp_replace("value", r"\s+", " "))
    lines = program.spark.read.text(program.input).select(line.alias("line"))
    words = lines.where("line != '' AND NOT line LIKE '#%'").select(
        "line", F.split("line", " ").alias("w")
    )
    made = "long" if program.param("integers", False) else "string"
    ends = [F.col("w")[i].cast(made) for i in range(2)]
    bad = words.where((F.size("w") != 2) | ends[0].isNull() | ends[1].isNull())
    first = bad.limit(1).collect()
    if first:
        raise ProgramError(
            f"While reading edges from {program.input}, found {bad.count()} lines that are not "
            f"two names (params integers={made == 'long'}), as {first[0]['line'][:80]!r}. "
            "Correct the file or the params."
        )
    names = program.param("source", "src"), program.param("target", "dst")
    return words.select(ends[0].alias(names[0]), ends[1].alias(names[1]))


def _degrees(program: Program, graph: Graph) -> DataFrame:
    into = graph.arcs.groupBy(F.col("dst").alias("id")).agg(F.count("src").alias("in_degree"))
    out = graph.arcs.groupBy(F.col("src").alias("id")).agg(F.count("dst").alias("out_degree"))
    every = graph.names.select("id").join(into, "id", "left").join(out, "id", "left")
    return every.na.fill(0)


def _pagerank(program: Program, graph: Graph) -> DataFrame:
    tol = program.param("tol", 1e-6)
    found = graph_measures.pagerank(
        graph,
        _parts(program),
        program.param("damping", 0.85),
        tol,
        program.params.get("rounds"),
    )
    program.note("pagerank_rounds", found.rounds)
    program.note("pagerank_change", found.change)
    if program.params.get("rounds") is None and found.change >= tol * graph.order:
        program.warn(
            "pagerank_change",
            found.change,
            f"PageRank still changed by {found.change} after {found.rounds} rounds.",
        )
    return column(program.spark, found.ranks, "pagerank", "double")


def _component(program: Program, graph: Graph) -> DataFrame:
    return _named(program, graph, graphx.components(graph), "component")


def _strong_component(program: Program, graph: Graph) -> DataFrame:
    return _named(program, graph, graphx.strong_components(graph), "strong_component")


def _triangles(program: Program, graph: Graph) -> DataFrame:
    every = graph.names.select("id").join(graphx.triangles(graph), "id", "left")
    return every.na.fill(0)


def _community(program: Program, graph: Graph) -> DataFrame:
    rounds = program.param("label_rounds", 20)
    labels, changed = graph_measures.label_propagation(graph, _parts(program), rounds)
    if changed:
        program.warn(
            "labels_changing",
            changed,
            f"{changed} vertices still changed their community after {rounds} rounds.",
        )
    return _named(program, graph, column(program.spark, labels, "community", "long"), "community")


def _parts(program: Program) -> int:
    return program.partitions(int(program.facts["edges"]))


def _named(program: Program, graph: Graph, found: DataFrame, name: str) -> DataFrame:
    """Give numbers of vertices as their names, note how many, and how large the largest is.

    A vertex without an edge, which GraphX doesn't see, is alone in its own.
    """
    own = F.coalesce(name, "id").alias(name)
    every = graph.names.select("id").join(found, "id", "left").select("id", own).persist()
    sizes = every.groupBy(name).count().agg(F.count("*"), F.max("count")).first()
    assert sizes is not None  # noqa: S101 (an aggregate has one row)
    program.note(f"{name}_count", sizes[0])
    program.note(f"{name}_largest", sizes[1] or 0)
    label = graph.names.toDF(name, "label")
    return every.join(label, name).select("id", F.col("label").alias(name))


MEASURES: dict[str, Callable[[Program, Graph], DataFrame]] = {
    "degrees": _degrees,
    "pagerank": _pagerank,
    "component": _component,
    "strong_component": _strong_component,
    "triangles": _triangles,
    "community": _community,
}

if __name__ == "__main__":
    main(measured)
