"""Runs programs of tasks/dask one after another in one process, for tests that ask for answers.

Started by the image's Python with a JSON list of calls on standard input; prints one outcome each,
``{"error": null or "Type: …"}``. The workers are threads here: starting processes is another
test's matter.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import pathlib
import sys
from typing import Any

from distributed import Client, LocalCluster

from tasks.dask import program as frame


def main() -> None:
    """Run all calls."""
    outcomes = []
    with contextlib.redirect_stdout(sys.stderr):
        for call in json.load(sys.stdin):
            outcomes.append(_done(**call))
    print(json.dumps(outcomes))


def _done(program: str, source: str, output: str, params: dict[str, Any], workers: int) -> Any:
    work = getattr(importlib.import_module(f"tasks.dask.{program}"), program)
    made = LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with made as cluster, Client(cluster) as client:
        read, write = (pathlib.Path(path).as_uri() for path in (source, output))
        given = frame.Program(client, read, write, params, seed=25)
        try:
            frame.run(given, work, program)
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}
    return {"error": None}


if __name__ == "__main__":
    main()
