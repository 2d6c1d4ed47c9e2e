"""Calls OpenCL programs by the Python of their image, as a container would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[2]


@lru_cache(maxsize=1)
def interpreter() -> str:
    """The Python of tasks/gpu's packages: HEADRACE_GPU_PYTHON, or what `make setup` built."""
    if given := os.environ.get("HEADRACE_GPU_PYTHON"):
        return given
    images = {"LOCALCLOUD_IMAGES": str(ROOT / ".cache" / "images"), **os.environ}
    words = [sys.executable, "-m", "localcloud.engines.images", "where", "tasks/gpu"]
    told = subprocess.run(words, cwd=ROOT, env=images, text=True, capture_output=True, check=False)
    if told.returncode or not Path(told.stdout.strip()).is_file():
        pytest.skip(f"no environment of tasks/gpu, make setup builds it: {told.stderr[-200:]}")
    return told.stdout.strip()


def call(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the image's Python with some words, and the image's environment alone."""
    kept = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HEADRACE_SEED": "25"}
    # Where the programs keep what PoCL compiled; examples would keep it in the home.
    kept["POCL_CACHE_DIR"] = str(Path(interpreter()).parents[1] / "var" / "pocl")
    return subprocess.run(
        [interpreter(), *words], cwd=ROOT, env=kept | settings, text=True, capture_output=True,
        check=False, timeout=250,
    )  # fmt: skip


def run(name: str, given: Path, to: Path, **params: Any) -> subprocess.CompletedProcess[str]:
    """Call a program on a folder; its output goes to ``to/out``, its facts to ``to/facts``."""
    return call(
        f"tasks/gpu/{name}.py", "--input", given.as_uri(), "--output", (to / "out").as_uri(),
        "--params", json.dumps(params),
    )  # fmt: skip


def rows(name: str, given: Path, to: Path, **params: Any) -> list[dict[str, Any]]:
    """A program's rows; fails the test where it fails."""
    done = run(name, given, to, **params)
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = pq.read_table(to / "out").to_pylist()
    return told


def facts(name: str, to: Path) -> dict[str, Any]:
    """The facts beside its rows."""
    told: dict[str, Any] = json.loads((to / "facts" / f"{name}.json").read_text())
    return told


def failed(name: str, given: Path, to: Path, **params: Any) -> str:
    """The last line of a program that fails, and leaves nothing."""
    done = run(name, given, to, **params)
    assert done.returncode == 1, done.stdout + done.stderr
    assert not (to / "out").exists()
    assert not (to / "facts").exists()
    return done.stderr.strip().splitlines()[-1]


def table(folder: Path, **columns: Any) -> Path:
    """Write a table's columns below a folder, as a stage's SQL would; give the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / "some.parquet")
    return folder
