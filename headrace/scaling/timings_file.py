"""Times that were taken elsewhere: a CSV with ``workers``, ``seconds`` and perhaps ``size``.

``size`` is how large the problem was, 1 where it is left out. Rows of size 1 are times of one
problem; where there are rows whose size is their workers, they are times of a problem that grew,
and Gustafson's law is fitted to them.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from headrace.scaling.laws import Timings
from headrace.scaling.measured import Measured, ScalingError

COLUMNS = ("workers", "seconds", "size")


def read(path: Path) -> tuple[Timings, Timings | None]:
    """Times of one problem, and of one that grew, where the file has such.

    Raises
    ------
    ScalingError
        For a file that says something else.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = [_row(path, line, told) for line, told in enumerate(csv.DictReader(file), 2)]
    fixed = [(n, s) for n, s, size in rows if size == 1]
    grown = [(n, s) for n, s, size in rows if size == n]
    if odd := [size for n, _, size in rows if size not in (1, n)]:
        raise _error(path, f"the size {odd[0]:g}", "Give 1, or the number of workers.")
    if not fixed:
        raise _error(path, "no row of size 1", "Give times of one problem as well.")
    has_grown = any(n > 1 for n, _ in grown)
    return _timings(fixed), _timings(grown) if has_grown else None


def write(path: Path, measured: list[Measured]) -> None:
    """Write what was measured, for :func:`read` and for others."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*COLUMNS, "run"])
        for one in measured:
            if one.counted:
                writer.writerow([one.workers, one.seconds, 1, one.run])


def _row(path: Path, line: int, told: dict[str, str | None]) -> tuple[int, float, float]:
    try:
        workers, seconds = int(told["workers"] or ""), float(told["seconds"] or "")
        size = float(told.get("size") or 1)
    except (KeyError, ValueError) as error:
        raise _error(path, f"line {line}: {error}", "Give workers,seconds[,size].") from error
    if workers < 1 or not 0 < seconds < float("inf"):
        raise _error(path, f"line {line}: {workers} workers, {seconds} s", "Give both above 0.")
    return workers, seconds, size


def _timings(rows: list[tuple[int, float]]) -> Timings:
    workers, seconds = np.array(rows, dtype=float).T
    return Timings(workers, seconds)


def _error(path: Path, found: str, do: str) -> ScalingError:
    return ScalingError(f"reading the times of {path}", found, do)
