"""Motifs of a graph: small patterns of edges, found by joins, as a Spark program.

    Spark("circles", program="emr_steps/motifs.py", input="SELECT src, dst FROM edges",
          produces=Circle, params={"motif": "(a)-[]->(b); (b)-[]->(c); (c)-[]->(a)",
                                   "count_by": ["a"]})

The pattern is written as GraphFrames writes it [1]_: edges between named vertices, joined by
semicolons, and ``!(a)-[]->(c)`` for an edge that must not be. The output has one column a vertex
and a row a find, or, with `count_by`, those columns and ``motifs``, how many finds there are.
A circle a, b, c is found three times, begun at each of its vertices. Different names are different
vertices, unless ``"distinct": false``, as in GraphFrames. Other params are those of graph.py.

References
----------
.. [1] https://graphframes.io/04-user-guide/04-motif-finding.html
"""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from emr_steps.graph import EDGE_PARAMS, edges
from emr_steps.graph_edges import graph_of
from emr_steps.spark_program import Program, ProgramError, main

_EDGE = re.compile(r"(!?)\((\w+)\)-\[\]->\((\w+)\)")


class Term(NamedTuple):
    """One edge of a pattern, or one that must not be."""

    source: str
    target: str
    absent: bool


def parse(motif: str) -> list[Term]:
    """Read a pattern.

    Raises
    ------
    ProgramError
        Where it isn't one, or the vertices of an absent edge are in no other edge.
    """
    terms = []
    for text in re.sub(r"\s", "", motif).strip(";").split(";"):
        told = _EDGE.fullmatch(text)
        if told is None:
            raise ProgramError(
                f"While reading the motif {motif!r}, found {text!r}. "
                "Write edges as (a)-[]->(b) or !(a)-[]->(b), with semicolons between."
            )
        terms.append(Term(told[2], told[3], bool(told[1])))
    there = {v for t in terms if not t.absent for v in (t.source, t.target)}
    loose = sorted({v for t in terms for v in (t.source, t.target)} - there)
    if loose:
        raise ProgramError(
            f"While reading the motif {motif!r}, found {', '.join(loose)} in no edge that must "
            "be there. Add one: what is absent alone can't be enumerated."
        )
    return sorted(terms, key=lambda t: t.absent)


def find(arcs: DataFrame, terms: list[Term], distinct: bool) -> DataFrame:
    """Join the edges ``src``, ``dst`` along a pattern: a column a vertex, a row a find."""
    found: DataFrame | None = None
    for term in _connected(terms):
        pair = arcs.select(F.col("src").alias(term.source), F.col("dst").alias(term.target))
        if term.source == term.target:
            own = F.col("src").alias(term.source)
            pair = arcs.where("src = dst").select(own)
        if found is None:
            found = pair
            continue
        shared = [c for c in pair.columns if c in found.columns]
        if term.absent:
            found = found.join(pair, shared, "left_anti")
        else:
            found = found.join(pair, shared) if shared else found.crossJoin(pair)
        if distinct:
            found = _different(found)
    assert found is not None  # noqa: S101 (a pattern has an edge)
    return _different(found) if distinct else found


def _connected(terms: list[Term]) -> list[Term]:
    """The edges so ordered that each meets one before it, where the pattern lets it."""
    left, ordered, seen = list(terms), [], set[str]()
    while left:
        fits = [t for t in left if {t.source, t.target} & seen and not t.absent]
        term = (fits or left)[0]
        left.remove(term)
        ordered.append(term)
        seen |= {term.source, term.target}
    return ordered


def _different(found: DataFrame) -> DataFrame:
    for one, other in itertools.combinations(found.columns, 2):
        found = found.where(F.col(one) != F.col(other))
    return found


def motifs(program: Program) -> DataFrame:
    """Find the motif that the params write."""
    program.known(*EDGE_PARAMS, "motif", "count_by", "distinct")
    terms = parse(program.param("motif", ""))
    graph = graph_of(program, edges(program))
    found = find(graph.arcs, terms, program.param("distinct", True))
    by = program.params.get("count_by")
    every = list(dict.fromkeys(v for t in terms for v in (t.source, t.target)))
    vertices = list(by if by is not None else every)
    unknown = [v for v in vertices if v not in every]
    if unknown:
        raise ProgramError(
            f"While reading the stage's params, found count_by {', '.join(unknown)}. "
            f"The motif has the vertices {', '.join(every)}. Name some of these."
        )
    if by is not None:
        found = found.groupBy(*vertices).agg(F.count(F.lit(1)).alias("motifs"))
    for name in vertices:
        found = found.join(graph.names.toDF(name, "_named"), name).drop(name)
        found = found.withColumnRenamed("_named", name)
    return found.select(*vertices, *(["motifs"] if by is not None else []))


if __name__ == "__main__":
    main(motifs)
