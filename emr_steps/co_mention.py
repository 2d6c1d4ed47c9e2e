"""Who is named beside whom: a graph of names from sentences, and PageRank on it.

    Spark("co_mention", program="emr_steps/co_mention.py", input="SELECT text FROM sentences",
          produces=Mentioned, params={"least": 20})

Two names (see `emr_steps.mentions` for what one is) are joined by an edge where a sentence has
both; its weight is the number of such sentences. The output, a row a name:

| column | meaning |
|---|---|
| `name` | the name |
| `sentences` | sentences that have it |
| `partners` | names that it shares a sentence with |
| `together` | its edges' weights, added |
| `pagerank` | PageRank in the undirected, weighted graph of all names that have an edge |

With ``"rows": "pairs"`` it is a row an edge: `first`, `second` (in the order of the alphabet) and
`sentences`. Params: `text` (the column), `least` (sentences that a name must be in, 5), `alias`
(``{"U.S.": "United States"}``), `stop` (names to leave out), `damping`, `tol` (1e-12).
"""

from __future__ import annotations

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from emr_steps.graph_measures import pagerank
from emr_steps.graph_numbers import Graph, by_number
from emr_steps.graph_vectors import column
from emr_steps.mentions import names
from emr_steps.spark_program import Program, ProgramError, main

_FOUND = T.ArrayType(
    T.StructType(
        [T.StructField("name", T.StringType()), T.StructField("uncertain", T.BooleanType())]
    )
)


def co_mention(program: Program) -> DataFrame:
    """Compute the names, or the pairs of names, of the input's sentences."""
    program.known("text", "least", "alias", "stop", "rows", "damping", "tol")
    rows = program.param("rows", "names")
    if rows not in ("names", "pairs"):
        raise ProgramError(
            f"While reading the stage's params, found rows {rows!r}. "
            "The output has a row for each of its names or of its pairs. Say names or pairs."
        )
    mentions = _mentions(program, program.read()).persist(StorageLevel.MEMORY_AND_DISK)
    pairs = _pairs(mentions).persist(StorageLevel.MEMORY_AND_DISK)
    program.note("names", mentions.select("name").distinct().count())
    program.note("pairs", pairs.count())
    if rows == "pairs":
        return pairs.toDF("first", "second", "sentences")
    return _ranked(program, mentions, pairs)


def _mentions(program: Program, told: DataFrame) -> DataFrame:
    """Names that count, by sentence: ``sentence`` and ``name``, each pair once."""
    text = program.param("text", "text")
    if text not in told.columns:
        raise ProgramError(
            f"While reading sentences, found no column {text!r}: the input has "
            f"{', '.join(told.columns)}. Name it by the param text."
        )
    program.partitions(told.count(), 20_000)
    numbers = told.where(F.col(text).isNotNull()).select(
        F.monotonically_increasing_id().alias("sentence"), F.udf(names, _FOUND)(text).alias("found")
    )
    # A number is only a name for a sentence here: which one it gets tells nothing in the answer.
    found = numbers.select("sentence", F.explode("found").alias("n")).select("sentence", "n.*")
    alias = program.param("alias", {})
    if alias:
        spelled = F.create_map(*(F.lit(word) for pair in alias.items() for word in pair))
        found = found.withColumn("name", F.coalesce(spelled[F.col("name")], "name"))
    found = found.where(~F.col("name").isin(program.param("stop", [])))
    found = found.persist(StorageLevel.MEMORY_AND_DISK)
    certain = (
        found.groupBy("name")
        .agg(
            F.countDistinct("sentence").alias("n"),
            F.sum(F.when(F.col("uncertain"), -1).otherwise(1)).alias("surer"),
        )
        .where((F.col("surer") > 0) & (F.col("n") >= program.param("least", 5)))
    )
    return found.join(certain.select("name"), "name").select("sentence", "name").distinct()


def _pairs(mentions: DataFrame) -> DataFrame:
    one, other = mentions.toDF("sentence", "src"), mentions.toDF("sentence", "dst")
    both = one.join(other, "sentence").where("src < dst")
    return both.groupBy("src", "dst").agg(F.count(F.lit(1)).alias("weight"))


def _ranked(program: Program, mentions: DataFrame, pairs: DataFrame) -> DataFrame:
    graph: Graph = by_number(
        pairs.withColumn("weight", F.col("weight").cast("double")), directed=False
    )
    parts = program.partitions(graph.size)
    found = pagerank(graph, parts, program.param("damping", 0.85), program.param("tol", 1e-12))
    program.note("pagerank_rounds", found.rounds)
    ranks = graph.names.join(column(program.spark, found.ranks, "pagerank", "double"), "id")
    both = graph.arcs.groupBy(F.col("src").alias("id")).agg(
        F.count(F.lit(1)).alias("partners"), F.sum("weight").cast("long").alias("together")
    )
    counts = mentions.groupBy("name").agg(F.count(F.lit(1)).alias("sentences"))
    linked = ranks.join(both, "id").select(
        F.col("vertex").alias("name"), "partners", "together", "pagerank"
    )
    zeros: dict[str, int | float | str | bool] = {"partners": 0, "together": 0, "pagerank": 0.0}
    made = counts.join(linked, "name", "left").na.fill(zeros)
    return made.select("name", "sentences", "partners", "together", "pagerank")


if __name__ == "__main__":
    main(co_mention)
