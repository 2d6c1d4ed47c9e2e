"""A job by its two ways: mrjob's own inline runner, and the launcher's tasks with a sort between.

The way of the launcher is what Hadoop streaming does: splits of whole lines, a task each, lines
sorted by their key (by all of them with SORT_VALUES), one reducer that gets them all.
"""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "emr_steps" / "launch.py"


def job_class(path: Path, name: str) -> Any:
    """The class of a job's file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return getattr(module, name)


def inline(job: Any, data: bytes, *words: str) -> list[bytes]:
    """Lines that `-r inline` gives, sorted."""
    made = job(["-r", "inline", "--no-conf", *words]).sandbox(stdin=io.BytesIO(data))
    with made.make_runner() as runner:
        runner.run()
        return sorted(b"".join(runner.cat_output()).splitlines(keepends=True))


def task(
    path: Path, kind: str, step: int, data: bytes, *words: str, cwd: Path | None = None
) -> Any:
    """One task, as Hadoop starts it."""
    return subprocess.run(
        [sys.executable, str(LAUNCHER), str(path), f"--step-num={step}", f"--{kind}", *words],
        input=data,
        capture_output=True,
        check=False,
        cwd=cwd,
    )


def launched(path: Path, job: Any, data: bytes, *words: str, splits: int = 2) -> list[bytes]:
    """Lines that the launcher's tasks give, sorted."""
    made = job([*words])
    for number, step in enumerate(made.steps()):
        given = b"".join(
            _ok(task(path, "mapper", number, split, *words)) for split in _split(data, splits)
        )
        data = given
        if step.has_explicit_reducer:
            lines = given.splitlines(keepends=True)
            lines.sort(key=None if made.sort_values() else _key)
            data = _ok(task(path, "reducer", number, b"".join(lines), *words))
    return sorted(data.splitlines(keepends=True))


def _ok(done: Any) -> bytes:
    assert done.returncode == 0, done.stderr.decode()
    given: bytes = done.stdout
    return given


def _key(line: bytes) -> bytes:
    return line.split(b"\t", 1)[0]


def _split(data: bytes, splits: int) -> Sequence[bytes]:
    lines = data.splitlines(keepends=True)
    return [b"".join(lines[at::splits]) for at in range(splits)]
