"""Graph measures on Spark: networkx's answers, and what becomes of edges that aren't."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from networkx.algorithms.link_analysis.pagerank_alg import _pagerank_python
from pyspark.sql import SparkSession

from emr_steps import graph, motifs
from emr_steps.graph_measures import label_propagation, pagerank
from emr_steps.graph_numbers import by_number
from emr_steps.spark_program import Program, ProgramError, run
from tests.unit.spark_session import PROJECT, session

VOTES = PROJECT.parent / "shared" / "data" / "graph" / "wiki-Vote.txt"
#: A dangling vertex (e), a self-loop (c), a duplicate (a b), two components, two circles.
EDGES = [
    *(("a", "b"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "c"), ("c", "d"), ("d", "e")),
    *(("b", "d"), ("x", "y"), ("y", "x"), ("a", "d")),
]


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    with session() as made:
        yield made


def measured(
    spark: SparkSession, edges: list[Any], columns: str, **params: Any
) -> tuple[dict[Any, Any], Program]:
    program = Program(spark, "", "", params)
    program.read = lambda: spark.createDataFrame(edges, columns)  # type: ignore[method-assign]
    rows = graph.measured(program).collect()
    return {row["vertex"]: row.asDict() for row in rows}, program


def test_every_measure_is_networkxs(spark: SparkSession) -> None:
    every = ["degrees", "pagerank", "component", "strong_component", "triangles"]
    made, program = measured(spark, EDGES, "src string, dst string", measures=every, tol=1e-13)
    asked = nx.DiGraph(EDGES)
    both = asked.to_undirected()
    ranks = _pagerank_python(asked, tol=1e-13, max_iter=1000)
    weak = {v: min(c) for c in nx.connected_components(both) for v in c}
    strong = {v: min(c) for c in nx.strongly_connected_components(asked) for v in c}
    triangles = nx.triangles(both)
    assert set(made) == set(asked)
    for name, row in made.items():
        assert row["pagerank"] == pytest.approx(ranks[name], abs=1e-12)
        assert (row["in_degree"], row["out_degree"]) == (
            asked.in_degree(name),
            asked.out_degree(name),
        )
        assert (row["component"], row["strong_component"]) == (weak[name], strong[name])
        assert row["triangles"] == triangles[name]
    told = {k: program.facts[k] for k in ("vertices", "edges", "duplicate_edges", "self_loops")}
    assert told == {"vertices": 7, "edges": 10, "duplicate_edges": 1, "self_loops": 1}
    assert (program.facts["component_count"], program.facts["component_largest"]) == (2, 5)


def test_weights_of_duplicates_are_added_and_undirected_edges_go_both_ways(
    spark: SparkSession,
) -> None:
    edges = [("a", "b", 1.5), ("b", "a", 0.5), ("b", "c", 1.0), ("c", "d", 0.25)]
    made, program = measured(
        spark, edges, "src string, dst string, w double", weight="w", directed=False, tol=1e-13
    )
    asked = nx.Graph()
    asked.add_weighted_edges_from([("a", "b", 2.0), ("b", "c", 1.0), ("c", "d", 0.25)])
    ranks = _pagerank_python(asked, tol=1e-13, max_iter=1000)
    assert {n: r["pagerank"] for n, r in made.items()} == pytest.approx(ranks, abs=1e-12)
    assert program.facts["duplicate_edges"] == 1


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), None])
def test_a_weight_that_is_none_is_refused(spark: SparkSession, weight: float | None) -> None:
    edges = [("a", "b", 1.0), ("b", "c", weight)]
    with pytest.raises(ProgramError, match="found 1 that are not"):
        measured(spark, edges, "src string, dst string, w double", weight="w")


def test_an_edge_whose_end_is_no_vertex_is_told(
    spark: SparkSession, capfd: pytest.CaptureFixture[str]
) -> None:
    edges = [("a", "b"), ("b", "Carol"), ("a", None), ("b", None), ("carol", None)]
    made, program = measured(spark, edges, "src string, dst string", listed=True)
    assert set(made) == {"a", "b", "carol"}
    assert program.facts["edges_without_vertex"] == 1
    assert "WARNING: 1 edges have an end that no listed vertex is, as b -> Carol" in (
        capfd.readouterr().err
    )
    made, _ = measured(spark, edges, "src string, dst string", listed=True, unlisted="keep")
    assert set(made) == {"a", "b", "Carol", "carol"}
    with pytest.raises(ProgramError, match="b -> Carol"):
        measured(spark, edges, "src string, dst string", listed=True, unlisted="refuse")


def test_a_row_without_an_end_is_told(spark: SparkSession) -> None:
    _, program = measured(spark, [("a", "b"), ("a", None)], "src string, dst string")
    assert program.facts["edges_without_an_end"] == 1


def test_vertices_without_an_edge_have_their_own_component(spark: SparkSession) -> None:
    edges = [(1, 2), (1, None), (2, None), (3, None)]
    every = ["degrees", "pagerank", "component", "strong_component", "triangles", "community"]
    made, _ = measured(spark, edges, "src long, dst long", listed=True, measures=every)
    alone = made[3]
    assert (alone["component"], alone["strong_component"], alone["community"]) == (3, 3, 3)
    assert (alone["triangles"], alone["in_degree"], alone["out_degree"]) == (0, 0, 0)
    assert 0 < alone["pagerank"] < 1


def test_communities_are_the_cliques(spark: SparkSession) -> None:
    clubs = [*nx.complete_graph(5).edges, *((a + 5, b + 5) for a, b in nx.complete_graph(4).edges)]
    made, program = measured(
        spark, [*clubs, (0, 5)], "src long, dst long", measures=["community"], directed=False
    )
    groups = [made[v]["community"] for v in range(9)]
    assert len(set(groups[:5])) == len(set(groups[5:])) == 1
    assert groups[0] != groups[8]
    assert program.facts["community_count"] == 2


def test_the_number_of_workers_and_blocks_changes_no_bit(spark: SparkSession) -> None:
    asked = nx.gnp_random_graph(200, 0.03, seed=25, directed=True)
    edges = [(a, b, 1 / (1 + a % 7)) for a, b in asked.edges]
    answers = []
    for parts, small, told in ((1, 10**6, edges), (5, 0, edges[::-1])):
        made = spark.createDataFrame(told, "src long, dst long, weight double").repartition(parts)
        numbers = by_number(made)
        ranks = pagerank(numbers, parts, small=small).ranks
        labels, _ = label_propagation(numbers, parts, rounds=3, small=small)
        answers.append((ranks.tobytes(), labels.tobytes()))
    assert answers[0] == answers[1]


@pytest.mark.slow
@pytest.mark.skipif(not VOTES.is_file(), reason="the course's data are not here")
def test_wikipedias_votes(spark: SparkSession, tmp_path: Path) -> None:
    every = ["pagerank", "component", "strong_component", "triangles"]
    params = {"format": "edges", "integers": True, "measures": every}
    program = Program(spark, str(VOTES), str(tmp_path / "out"), params)
    run(program, graph.measured, "graph")
    rows = {r["vertex"]: r for r in spark.read.parquet(str(tmp_path / "out")).collect()}
    asked = nx.DiGraph(
        tuple(map(int, line.split())) for line in VOTES.open() if not line.startswith("#")
    )
    ranks = _pagerank_python(asked)
    assert max(abs(rows[v]["pagerank"] - ranks[v]) for v in asked) < 1e-12
    first = {v: round(rows[v]["pagerank"], 9) for v in (4037, 15, 6634)}
    assert first == {4037: 0.004612716, 15: 0.003681221, 6634: 0.003524814}
    told = json.loads((tmp_path / "facts" / "graph.json").read_text())
    assert (told["vertices"], told["edges"]) == (7115, 103689)
    assert (told["component_largest"], told["strong_component_largest"]) == (7066, 1300)
    assert sum(r["triangles"] for r in rows.values()) == 3 * 608389


@pytest.mark.parametrize("line", ["1 2 3", "1", "1 two"])
def test_a_line_that_is_no_edge_is_refused(spark: SparkSession, tmp_path: Path, line: str) -> None:
    (tmp_path / "edges.txt").write_text(f"# two numbers\n1\t2\n\n{line}\n")
    params = {"format": "edges", "integers": True}
    with pytest.raises(ProgramError, match=f"1 lines that are not .* as '{line}'"):
        graph.measured(Program(spark, str(tmp_path / "edges.txt"), "", params))


def found(spark: SparkSession, motif: str, **params: Any) -> set[tuple[Any, ...]]:
    program = Program(spark, "", "", {"motif": motif} | params)
    program.read = lambda: spark.createDataFrame(EDGES, "src string, dst string")  # type: ignore[method-assign]
    rows = [tuple(r) for r in motifs.motifs(program).collect()]
    assert len(rows) == len(set(rows))
    return set(rows)


@pytest.mark.slow
def test_motifs_are_those_of_a_plain_loop(spark: SparkSession) -> None:
    edges = set(EDGES)
    names = sorted({v for e in edges for v in e})
    circles = {
        (a, b, c)
        for a in names
        for b in names
        for c in names
        if len({a, b, c}) == 3 and {(a, b), (b, c), (c, a)} <= edges
    }
    assert found(spark, "(a)-[]->(b); (b)-[]->(c); (c)-[]->(a)") == circles
    open_wedges = {
        (a, b, c)
        for a in names
        for b in names
        for c in names
        if len({a, b, c}) == 3 and {(a, b), (b, c)} <= edges and (a, c) not in edges
    }
    wedge = "(a)-[]->(b); (b)-[]->(c); !(a)-[]->(c)"
    assert found(spark, wedge) == open_wedges
    assert found(spark, wedge, count_by=[]) == {(len(open_wedges),)}
    assert found(spark, "(a)-[]->(b); (b)-[]->(a)", count_by=["a"]) == {("x", 1), ("y", 1)}
    assert ("c", "c") in found(spark, "(a)-[]->(b); (b)-[]->(a)", distinct=False)


@pytest.mark.parametrize("motif", ["a->b", "!(a)-[]->(b)", "(a)-[]->(b); !(a)-[]->(c)", ""])
def test_what_is_no_motif_is_refused(motif: str) -> None:
    with pytest.raises(ProgramError, match="While reading the motif"):
        motifs.parse(motif)


def test_params_and_columns_that_are_not_there_are_refused(spark: SparkSession) -> None:
    with pytest.raises(ProgramError, match="found dampign"):
        measured(spark, EDGES, "src string, dst string", dampign=0.5)
    with pytest.raises(ProgramError, match="found no column voter"):
        measured(spark, EDGES, "src string, dst string", source="voter")
    with pytest.raises(ProgramError, match="found measures"):
        measured(spark, EDGES, "src string, dst string", measures=["betweenness"])
