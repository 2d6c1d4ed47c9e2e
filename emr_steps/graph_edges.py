"""Edges as a graph: what a table of edges says, checked and counted; nothing goes in silence."""

from __future__ import annotations

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 (the field's own name for it)

from emr_steps.graph_numbers import Graph, by_number
from emr_steps.spark_program import Program, ProgramError

#: Weights are added as decimals of 12 places, since sums of floats depend on their order.
LEAST_WEIGHT, MOST_WEIGHT = 1e-9, 1e15


def graph_of(program: Program, told: DataFrame) -> Graph:
    """Make a graph of a table of edges, and note what did not become an edge.

    Parameters
    ----------
    program : Program
        Its params `source`, `target` and `weight` name the columns; `directed` (true); `listed`
        (false): whether rows without a target list the vertices; `unlisted` says what becomes
        of an edge whose end isn't listed: ``leave_out``, ``keep`` or ``refuse``.
    told : DataFrame
        The edges. Duplicates are merged and their weights added; self-loops stay.

    Raises
    ------
    ProgramError
        For a column that is missing, or a weight that is not positive.
    """
    rows = _columns(program, told).persist(StorageLevel.MEMORY_AND_DISK)
    edges = _whole_edges(program, rows)
    listed = rows.where("src IS NOT NULL AND dst IS NULL").select(F.col("src").alias("vertex"))
    if program.param("listed", False):
        edges = _listed_edges(program, edges, listed.distinct())
    else:
        listed = listed.limit(0)
    distinct = _distinct(program, edges)
    graph = by_number(
        distinct, listed, program.param("directed", True), program.params.get("weight") is not None
    )
    program.note("vertices", graph.order)
    program.note("edges", graph.size)
    rows.unpersist()
    return graph


def _columns(program: Program, told: DataFrame) -> DataFrame:
    source, target = program.param("source", "src"), program.param("target", "dst")
    weight = program.params.get("weight")
    missing = [c for c in (source, target, weight) if c is not None and c not in told.columns]
    if missing:
        raise ProgramError(
            f"While reading the edges, found no column {', '.join(missing)}: the input has "
            f"{', '.join(told.columns)}. Name them by the params source, target and weight."
        )
    heavy = F.col(weight).cast("double") if weight else F.lit(1.0)
    return told.select(
        F.col(source).alias("src"), F.col(target).alias("dst"), heavy.alias("weight")
    )


def _whole_edges(program: Program, rows: DataFrame) -> DataFrame:
    lists = bool(program.param("listed", False))
    without: Column = F.col("src").isNull()
    if not lists:
        without = without | F.col("dst").isNull()
    found = rows.agg(
        F.count(F.lit(1)).alias("rows"),
        F.sum(without.cast("long")).alias("without"),
    ).first()
    assert found is not None  # noqa: S101 (an aggregate has one row)
    program.partitions(found["rows"])
    if found["without"]:
        program.warn(
            "edges_without_an_end",
            found["without"],
            f"{found['without']} of {found['rows']} rows have no source or no target: "
            "they are left out.",
        )
    return rows.where("src IS NOT NULL AND dst IS NOT NULL")


def _listed_edges(program: Program, edges: DataFrame, listed: DataFrame) -> DataFrame:
    source = listed.select(F.col("vertex").alias("src"), F.lit(True).alias("s"))
    target = listed.select(F.col("vertex").alias("dst"), F.lit(True).alias("t"))
    both = edges.join(source, "src", "left").join(target, "dst", "left")
    both = both.select("src", "dst", "weight", (F.col("s") & F.col("t")).alias("ok"))
    loose = both.where("ok IS NULL")
    count = loose.count()
    program.note("edges_without_vertex", count)
    if not count:
        return edges
    first = [f"{r['src']} -> {r['dst']}" for r in loose.orderBy("src", "dst").limit(3).collect()]
    unlisted = program.param("unlisted", "leave_out")
    said = f"{count} edges have an end that no listed vertex is, as {'; '.join(first)}"
    if unlisted == "leave_out":
        program.warn("edges_without_vertex", count, f"{said}: they are left out.")
        return both.where("ok").drop("ok")
    if unlisted == "keep":
        program.warn("edges_without_vertex", count, f"{said}: their ends are made vertices.")
        return edges
    if unlisted != "refuse":
        said = f"unlisted={unlisted!r}, not leave_out, keep or refuse"
    raise ProgramError(f"While reading the edges, found {said}. Correct the study or its input.")


def _distinct(program: Program, edges: DataFrame) -> DataFrame:
    """Merge duplicates; of an undirected graph, an edge and its reverse are one."""
    if not program.param("directed", True):
        ends = F.least("src", "dst").alias("src"), F.greatest("src", "dst").alias("dst")
        edges = edges.select(*ends, "weight")
    weighted = program.params.get("weight") is not None
    if weighted:
        _check_weights(edges)
    exact = F.sum(F.col("weight").cast("decimal(38,12)")).cast("double")
    weight = (exact if weighted else F.first("weight")).alias("weight")
    merged = edges.groupBy("src", "dst").agg(weight, F.count(F.lit(1)).alias("times"))
    merged = merged.persist(StorageLevel.MEMORY_AND_DISK)
    found = merged.agg(
        F.sum(F.col("times") - 1).alias("twice"),
        F.sum((F.col("src") == F.col("dst")).cast("long")).alias("loops"),
    ).first()
    assert found is not None  # noqa: S101 (an aggregate has one row)
    program.note("duplicate_edges", found["twice"] or 0)
    program.note("self_loops", found["loops"] or 0)
    return merged.drop("times")


def _check_weights(edges: DataFrame) -> None:
    # Written so that a missing weight, and NaN, are not within.
    within = F.coalesce(F.col("weight").between(LEAST_WEIGHT, MOST_WEIGHT), F.lit(False))
    bad = edges.where(~within)
    count = bad.count()
    if count:
        first = bad.orderBy("src", "dst").select("src", "dst", "weight").first()
        raise ProgramError(
            f"While reading the edges' weights, found {count} that are not {LEAST_WEIGHT} to "
            f"{MOST_WEIGHT}, as {tuple(first or ())}. Leave such edges out in the stage's SQL."
        )
