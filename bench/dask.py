"""A group-by over 5 million rows: Dask's dataframe beside pandas, polars and DuckDB, in one run.

    python -m bench.dask [--json] [--rows 5000000]

Rows are Parquet files on this machine: a group of 10,000, and a value. Each engine reads them and
gives count, mean, minimum and maximum of each group; its answers are compared. Each is a process
of its own; seconds are without Python's start and imports, and Dask's without the start of its
workers, which is a figure beside it. ``stage`` is ``tasks/dask/groupby.py``, as a study runs
it, with deviations and approximate quantiles, whose rows are dealt and sorted besides.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PROJECT = Path(__file__).resolve().parents[1]
FILES, GROUPS = 8, 10_000

#: What each engine is asked, `files` being a list of paths.
ASKED = {
    "pandas": """
import pandas as pd
start()
frame = pd.concat([pd.read_parquet(f) for f in files])
told = frame.groupby("key").value.agg(["count", "mean", "min", "max"]).sort_index()
end(told.index, told["count"], told["mean"])
""",
    "polars": """
import polars as pl
start()
v = pl.col("value")
told = (pl.scan_parquet(files).group_by("key")
        .agg(v.count().alias("n"), v.mean().alias("m"), v.min().alias("low"), v.max().alias("high"))
        .sort("key").collect())
end(told["key"], told["n"], told["m"])
""",
    "duckdb": '''
import duckdb
start()
sql = """SELECT key, count(value) n, avg(value) m, min(value), max(value)
         FROM read_parquet(?) GROUP BY key ORDER BY key"""
told = duckdb.execute(sql, [files]).fetchnumpy()
end(told["key"], told["n"], told["m"])
''',
    "dask": """
import dask.dataframe as dd
from tasks.dask.cluster import cluster
if __name__ == "__main__":
    begun = time.perf_counter()
    with cluster():
        cluster_s = time.perf_counter() - begun
        start()
        told = dd.read_parquet(files).groupby("key").value.agg(["count", "mean", "min", "max"])
        told = told.compute().sort_index()
        end(told.index, told["count"], told["mean"], cluster_s=cluster_s)
""",
}
AROUND = """
import json, sys, time
import numpy as np
files = sys.argv[1:]
def start():
    global started
    started = time.perf_counter()
def end(keys, counts, means, **more):
    seconds = time.perf_counter() - started
    keys, counts, means = (np.asarray(each, float) for each in (keys, counts, means))
    told = {"s": seconds, "groups": len(keys), "rows": int(counts.sum())}
    print(json.dumps(told | {"checksum": float(keys @ means)} | more))
"""


def write(folder: Path, rows: int) -> list[str]:
    """Write the rows into files of the same size."""
    rng, made = np.random.default_rng(25), []
    for at in range(FILES):
        count = rows // FILES + (at < rows % FILES)
        table = pa.table({"key": rng.integers(0, GROUPS, count), "value": rng.normal(size=count)})
        pq.write_table(table, folder / f"{at}.parquet")
        made.append(str(folder / f"{at}.parquet"))
    return made


def measure(engine: str, files: list[str], scratch: Path, python: str) -> dict[str, Any]:
    """Ask one engine; gives its seconds and what it found."""
    script = scratch / f"{engine}_asked.py"
    script.write_text(AROUND + ASKED[engine])
    return _said([python, str(script), *files])


def stage(folder: Path, scratch: Path, python: str) -> dict[str, Any]:
    """The program as a study runs it, but for ranks: on processes of this machine."""
    params = {"by": ["key"], "quantiles": [0.5]}
    words = ["--input", folder.as_uri(), "--output", (scratch / "out").as_uri()]
    program = str(PROJECT / "tasks" / "dask" / "groupby.py")
    _run([python, program, *words, "--params", json.dumps(params)])
    facts = json.loads((scratch / "facts" / "groupby.json").read_text())
    return {"s": facts["compute_s"], "rows": facts["rows"], "partitions": facts["partitions"]}


def _said(words: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(_run(words).splitlines()[-1])
    return told


def _run(words: list[str]) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HEADRACE_")}
    environment = kept | {"PYTHONPATH": str(PROJECT), "HEADRACE_WORKERS": str(os.cpu_count())}
    done = subprocess.run(words, env=environment, text=True, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words[:2])} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def image_python() -> str:
    """The Python of the image tasks/dask: TASKS_DASK_PYTHON, else that which `make setup` built."""
    if given := os.environ.get("TASKS_DASK_PYTHON"):
        return given
    told = [sys.executable, "-m", "localcloud.engines.images", "where", "tasks/dask"]
    kept = {"LOCALCLOUD_IMAGES": str(PROJECT / ".cache" / "images")} | os.environ
    done = subprocess.run(told, cwd=PROJECT, env=kept, text=True, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"While looking for the image tasks/dask, found none. Run make setup.\n{done.stderr}"
        )
    return done.stdout.strip()


def main() -> None:
    """Measure, and print a line an engine or one JSON document."""
    parser = argparse.ArgumentParser(description="A group-by in Dask, pandas, polars and DuckDB")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args()
    image = image_python()
    with tempfile.TemporaryDirectory(prefix="bench-dask-") as made:
        folder, scratch = Path(made, "in"), Path(made, "scratch")
        folder.mkdir()
        scratch.mkdir()
        files = write(folder, given.rows)
        pythons = {
            "pandas": image,
            "polars": sys.executable,
            "duckdb": sys.executable,
            "dask": image,
        }
        found = {name: measure(name, files, scratch, python) for name, python in pythons.items()}
        for name, told in found.items():
            same = np.isclose(told["checksum"], found["pandas"]["checksum"], rtol=1e-9)
            if told["rows"] != given.rows or not same:
                raise SystemExit(f"{name} found {told}, where pandas found {found['pandas']}")
        found["stage"] = stage(folder, scratch, image)
    if given.json:
        document = {"bench": "dask", "rows": given.rows, "cpus": os.cpu_count(), "engines": found}
        print(json.dumps(document, indent=2))
        return
    for name, told in found.items():
        print(f"{name:<8}{told.pop('s'):>8.2f} s  {told}")


if __name__ == "__main__":
    main()
