"""PageRank and label propagation: a vector on the driver, the edges in blocks on the workers.

So MLlib computes its singular values: each round broadcasts the vector, each block of edges gives
the new values of its own vertices, and the driver puts the slices together. A lost worker costs its
blocks' reading, not the rounds. Values are 64-bit integers, whose sums are the same in any order,
so an answer is the same to the last bit for any number of workers and blocks. So the blocks of a
small graph are brought to the driver instead, where a round costs no job of Spark's (0.2 s each).

The vector must fit: 8 bytes a vertex on each worker and some 40 on the driver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from emr_steps.graph_numbers import Graph

Longs = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

#: Arcs up to which the rounds are done on the driver: 16 bytes each.
SMALL = 2_000_000

#: All mass in PageRank's units: a rank of 1 is 2**62, the most that can't overflow 64 bits.
MASS = 2**62


class Block(NamedTuple):
    """The arcs into some vertices: those of ``targets[i]`` begin at ``starts[i]``."""

    targets: Longs
    starts: Longs
    sources: Longs
    weights: Doubles


Kernel = Callable[[Block, Longs], Longs]


class Blocks:
    """A graph's arcs in blocks, each with all the arcs into its vertices."""

    def __init__(self, arcs: DataFrame, parts: int, small: bool) -> None:
        grouped = (
            arcs.groupBy("dst")
            .agg(F.collect_list("src").alias("src"), F.collect_list("weight").alias("weight"))
            .repartition(parts, "dst")
        )
        self._context: Any = arcs.sparkSession.sparkContext
        self._far = grouped.rdd.mapPartitions(_packed).persist(StorageLevel.MEMORY_AND_DISK)
        self._near = self._far.collect() if small else None

    def step(self, kernel: Kernel, vector: Longs, new: Longs) -> Longs:
        """Put what `kernel` gives for each block's targets into `new`, which is given back."""
        if self._near is not None:
            for block in self._near:
                new[block.targets] = kernel(block, vector)
            return new
        told = self._context.broadcast(vector)
        try:
            made = self._far.map(lambda block: (block.targets, kernel(block, told.value)))
            for targets, values in made.collect():
                new[targets] = values
        finally:
            told.destroy()
        return new

    def close(self) -> None:
        """Let the workers forget the blocks."""
        self._far.unpersist()


def _packed(rows: Iterable[Any]) -> Iterator[Block]:
    targets, sizes, sources, weights = [], [], [], []
    for target, source, weight in rows:
        targets.append(target)
        sizes.append(len(source))
        sources.append(np.array(source, np.int64))
        weights.append(np.array(weight, np.float64))
    if targets:
        starts = np.concatenate(([0], np.cumsum(sizes[:-1]))).astype(np.int64)
        yield Block(
            np.array(targets, np.int64), starts, np.concatenate(sources), np.concatenate(weights)
        )


@dataclass(frozen=True)
class Ranks:
    """PageRank's answer: ranks by vertex number, rounds taken, and the last round's change."""

    ranks: Doubles
    rounds: int
    change: float


def pagerank(
    graph: Graph,
    parts: int,
    damping: float = 0.85,
    tol: float = 1e-6,
    rounds: int | None = None,
    small: int = SMALL,
) -> Ranks:
    """Compute PageRank by power iteration.

    With n vertices, weights w and out-weights W(u) = sum over v of w(u, v), a round is

        r'(v) = (1 - d)/n + d (sum over u of r(u) w(u, v)/W(u) + D/n)

    with D the mass of vertices that no edge leaves, spread over all vertices as networkx does.
    It begins at 1/n and ends as soon as the sum over v of abs(r'(v) - r(v)) is below n `tol`,
    which is networkx's rule, or after exactly `rounds` where they are given. Ranks sum to 1.

    Parameters
    ----------
    graph : Graph
        Its arcs.
    parts : int
        Number of blocks; the answer doesn't depend on it.
    damping : float
        d, the probability to follow an edge.
    tol : float
        Mean absolute change of a vertex. At networkx's own 1e-6 a rank, itself about 1/n, is
        right to few digits in a large graph; 1e-12 leaves nothing to ask for.
    rounds : int, optional
        So many rounds, whatever the change.
    small : int
        Edges up to which the driver does the rounds; the answer doesn't depend on it.

    Returns
    -------
    Ranks
        `change` is not below n `tol` where 1,000 rounds did not do.

    References
    ----------
    Page, L., Brin, S., Motwani, R. and Winograd, T. (1999). The PageRank Citation Ranking.
    """
    blocks = Blocks(_shares(graph), parts, graph.size <= small)
    try:
        return iterate(blocks.step, graph.order, damping, tol, rounds)
    finally:
        blocks.close()


Step = Callable[[Kernel, Longs, Longs], Longs]


def iterate(step: Step, order: int, damping: float, tol: float, rounds: int | None) -> Ranks:
    """PageRank's rounds over anything that steps as :meth:`Blocks.step` does."""
    rank = np.full(order, MASS // max(order, 1), np.int64)
    change = float("inf") if order else 0.0
    done = 0
    while order and done < (1000 if rounds is None else rounds):
        inflow = step(inflows, rank, np.zeros(order, np.int64))
        # What no arc carried on is the mass of dangling vertices, and what rounding left.
        lost = int(rank.sum()) - int(inflow.sum())
        base = int(((1 - damping) * MASS + damping * lost) / order)
        new = base + np.floor(damping * inflow).astype(np.int64)
        change = float(np.abs(new - rank).sum() / MASS)
        rank, done = new, done + 1
        if rounds is None and change < order * tol:
            break
    return Ranks(rank / rank.sum() if order else rank.astype(np.float64), done, change)


def inflows(block: Block, rank: Longs) -> Longs:
    """What flows into a block's vertices: whole units, so that their sum has no order."""
    carried = np.floor(rank[block.sources] * block.weights).astype(np.int64)
    sums: Longs = np.add.reduceat(carried, block.starts)
    return sums


def _shares(graph: Graph) -> DataFrame:
    """The arcs with each weight as the share of its source's."""
    exact = F.sum(F.col("weight").cast("decimal(38,12)")).cast("double")
    total = (exact if graph.weighted else F.count(F.lit(1))).alias("all")
    out = graph.arcs.groupBy("src").agg(total)
    share = (F.col("weight") / F.col("all")).alias("weight")
    return graph.arcs.join(out, "src").select("src", "dst", share)


def label_propagation(
    graph: Graph, parts: int, rounds: int = 20, small: int = SMALL
) -> tuple[Longs, int]:
    """Find communities: each vertex takes the label that most of its neighbours have.

    All vertices change at a time; of labels that as many neighbours have a vertex keeps its own
    where that is one of them, or else takes the smallest. So an answer does not depend on chance
    or on workers; GraphX breaks ties by the order of a hash map [1]_. Direction and weights don't
    count. Some graphs swing between two states, therefore `rounds`.

    Returns
    -------
    array, int
        The label of each vertex, a vertex's number, and how many vertices changed last.

    References
    ----------
    .. [1] https://github.com/graphframes/graphframes/issues/571
    .. [2] Raghavan, U. N., Albert, R. and Kumara, S. (2007). Physical Review E 76, 036106.
    """
    pairs = graph.edges.where("src != dst").select("src", "dst")
    both = pairs.union(pairs.select("dst", "src")).distinct().withColumn("weight", F.lit(1.0))
    blocks = Blocks(both, parts, graph.size <= small)
    labels = np.arange(graph.order, dtype=np.int64)
    changed = graph.order
    try:
        for _ in range(rounds):
            new = blocks.step(commonest, labels, labels.copy())
            changed = int((new != labels).sum())
            labels = new
            if not changed:
                break
    finally:
        blocks.close()
    return labels, changed


def commonest(block: Block, labels: Longs) -> Longs:
    """The commonest label among each target's neighbours; of a tie its own, then the smallest."""
    sizes = np.diff(np.append(block.starts, len(block.sources)))
    at = np.repeat(np.arange(len(sizes)), sizes)
    label = labels[block.sources]
    order = np.lexsort((label, at))
    at, label = at[order], label[order]
    first = np.flatnonzero(np.append(True, (np.diff(at) != 0) | (np.diff(label) != 0)))
    times = np.diff(np.append(first, len(at)))
    at, label = at[first], label[first]
    foreign = label != labels[block.targets][at]
    best = np.lexsort((label, foreign, -times, at))
    lead = best[np.flatnonzero(np.append(True, np.diff(at[best]) != 0))]
    chosen: Longs = label[lead]
    return chosen
