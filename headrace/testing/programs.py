"""A program of a Spark, Mpi or Batch stage on rows: called as on a node, alone, in this process.

rows ─▶ in/*.parquet ─▶ PROGRAM --input URI --output URI --params JSON ─▶ out/*.parquet ─▶ rows
"""

from __future__ import annotations

import contextlib
import json
import runpy
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from headrace.job_steps import ROOT
from headrace.stage_plan import StagePlan
from headrace.table_plans import columns_of as planned
from headrace.testing import rows_in, written
from headrace.testing.made import Made, StageFailedError, columns_of
from headrace.testing.place import place


def on_rows(
    stage: StagePlan,
    rows: Iterable[Mapping[str, Any] | str] | Path,
    params: Mapping[str, Any] | None,
    seed: int,
) -> Made:
    """Run a stage's program on rows.

    Raises
    ------
    StageFailedError
        Where it fails, or a package that it needs isn't there.
    """
    given: Any = stage.stage
    program, doing = ROOT / stage.program, f"running {stage.name} in process"
    environment = {
        "HEADRACE_SEED": str(seed),
        "HEADRACE_WORKERS": "1",
        "AWS_BATCH_JOB_ARRAY_INDEX": None,
    }
    told = json.dumps(dict(given.params if params is None else params), sort_keys=True)
    source = rows.resolve() if isinstance(rows, Path) else rows
    words = [str(program)]
    with place(environment, program.parent, words) as folder:
        taken = rows_in.folder(source, folder / "in", doing)
        out = folder / "out"
        words += ["--input", f"{taken.as_uri()}/", "--output", f"{out.as_uri()}/"]
        words += ["--params", told]
        with _engine(stage, doing, environment), _named(stage, doing):
            runpy.run_path(str(program), run_name="__main__")
        return written.parquet(columns_of(planned(given.produces)), out, doing)


@contextlib.contextmanager
def _engine(stage: StagePlan, doing: str, environment: Mapping[str, str | None]) -> Iterator[None]:
    """What a program finds running: a session of Spark; of MPI nothing, it starts itself."""
    if stage.kind != "spark":
        yield
        return
    from headrace.testing import spark

    given: Any = stage.stage
    if given.jars:
        raise StageFailedError(
            doing, f"the jars {', '.join(given.jars)}", "Run the stage on the local cloud."
        )
    with spark.session(given.conf, environment, doing):
        yield


@contextlib.contextmanager
def _named(stage: StagePlan, doing: str) -> Iterator[None]:
    """Tell whose error it is; the error itself is the cause."""
    try:
        yield
    except SystemExit as error:
        if error.code not in (None, 0):
            raise StageFailedError(
                doing, f"its end: {error.code}", "Correct the program, or its rows."
            ) from error
    except ModuleNotFoundError as error:
        raise StageFailedError(
            doing, f"no module {error.name}", f"Install what {_lock(stage)} lists."
        ) from error
    except Exception as error:
        raise StageFailedError(
            doing, f"{type(error).__name__}: {error}", "Correct the program, or its rows."
        ) from error


def _lock(stage: StagePlan) -> str:
    given: Any = stage.stage
    return "emr_steps/spark.in" if stage.kind == "spark" else f"{given.image}/requirements.txt"
