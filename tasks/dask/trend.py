"""How a mean moves over time, with bootstrap intervals, for each of some groups.

    Dask("trend", program="tasks/dask/trend.py", workers=2, produces=Trend,
        input="SELECT party, year, compound FROM sentences",
        params={"group": "party", "time": "year", "value": "compound", "bin": 10, "unit": "year"})

A resample draws as many of a group's units as it has, with replacement, and computes the mean of
each bin and the slope of a least-squares line through all rows. A unit is a row or, with the
param `unit`, all rows of a group that are equal in that column: sentences of one speech are no
independent draws, speeches may be. Intervals are percentiles of the resamples (Efron 1979).

Resample b of a group draws from a Philox generator with key (seed, the group's name) and counter
b: who computes it, and beside which others, changes no digit. A row a group and bin:

| column | meaning |
|---|---|
| the param `group`'s | the group; not there without one |
| the param `time`'s | where the bin begins |
| `rows`, `units` | in the bin |
| `mean`, `low`, `high` | of the rows, and its interval; no interval of a single unit |
| `slope`, `slope_low`, `slope_high` | change of the value a unit of time, over the whole group |

Params: `value`, `time` (columns, named so by default), `group` (a column; none by default),
`unit` (a column; none by default), `bin` (1), `resamples` (1000), `level` (0.95).
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from dask import compute, delayed
from numpy.typing import NDArray

from tasks.dask.program import Columns, Program, ProgramError, main

Floats = NDArray[np.float64]
#: Resamples of one task: enough to be worth sending, few enough to share among workers.
BLOCK = 50


@dataclass(frozen=True)
class Cells:
    """A group's rows, added up by unit and time.

    Parameters
    ----------
    group : object
        Its name.
    unit, place : ndarray of int
        Of each cell: its unit, and its bin, both counted from 0.
    time, rows, total : ndarray of float
        Of each cell: its time, how many rows, and the sum of their values.
    bins : ndarray of float
        Where bins begin.
    """

    group: Any
    unit: NDArray[np.int64]
    place: NDArray[np.int64]
    time: Floats
    rows: Floats
    total: Floats
    bins: Floats

    @property
    def units(self) -> int:
        """How many."""
        return int(self.unit.max()) + 1


def trend(program: Program) -> Columns:
    """Compute the trends."""
    program.known("value", "time", "group", "unit", "bin", "resamples", "level")
    value, time = program.param("value", "value"), program.param("time", "time")
    group, unit = program.param("group", ""), program.param("unit", "")
    width = program.within("bin", 1.0, 1e-9, math.inf)
    resamples = program.within("resamples", 1000, 10, 1_000_000)
    level = program.within("level", 0.95, 0.01, 0.999)
    columns = [name for name in (group, unit, time, value) if name]
    if value in (group, unit, time):
        raise ProgramError(
            f"While reading the stage's params, found {value} as value and as something else. "
            "A trend is of values over another column. Name two."
        )
    with program.computing():
        read = program.read(columns, [group] if group else [])
        parts = program.client.persist(read.map(cells, (group, unit, time, value), width))
        there = compute(*map(delayed(names_of), parts))
        groups = sorted(
            (name, place, at) for place, told in enumerate(there) for at, name in enumerate(told)
        )
        drawn = [
            _summary(parts[place], at, program.seed, resamples, level) for _, place, at in groups
        ]
        told = pd.concat(compute(*drawn), ignore_index=True)
    program.note("resamples", resamples)
    program.note("groups", len(groups))
    return _columns(told, group, time)


def _summary(part: Any, at: int, seed: int, resamples: int, level: float) -> Any:
    """The rows of one group, later, from blocks of resamples."""
    drawn = delayed(resampled, pure=True)
    blocks = [
        drawn(part, at, seed, range(first, min(first + BLOCK, resamples)))
        for first in range(0, resamples, BLOCK)
    ]
    return delayed(summary, pure=True)(part, at, blocks, level)


def _columns(told: pd.DataFrame, group: str, time: str) -> dict[str, Any]:
    if (told["time"] % 1 == 0).all():
        told["time"] = told["time"].astype("int64")  # years are whole numbers
    names = {"group": group, "time": time}
    return {names.get(n, n): told[n].tolist() for n in told.columns if n != "group" or group}


def names_of(part: list[Cells]) -> list[Any]:
    """The groups of a partition."""
    return [each.group for each in part]


def cells(part: pd.DataFrame, columns: tuple[str, str, str, str], width: float) -> list[Cells]:
    """Add up a partition's groups, each of which is in it whole."""
    group, unit, time, value = columns
    for name in (time, value):
        if part[name].dtype.kind not in "iufb":
            raise ProgramError(
                f"While reading column {name}, found {part[name].dtype}. A trend is of numbers "
                "over numbers. Cast it in the stage's SQL, as by year(…)."
            )
    if not group:
        return [_cells("", part, unit, time, value, width)] if len(part) else []
    return [_cells(n, g, unit, time, value, width) for n, g in part.groupby(group, sort=True)]


def _cells(name: Any, frame: pd.DataFrame, unit: str, time: str, value: str, width: float) -> Cells:
    if unit:
        keys = list(dict.fromkeys([unit, time]))
        added = frame.groupby(keys, sort=True)[value].agg(["count", "sum"])
        index = added.index.to_frame(index=False)
        codes = pd.factorize(index[unit], sort=True)[0].astype(np.int64)
        when, rows = index[time].to_numpy(float), added["count"].to_numpy(float)
        total = added["sum"].to_numpy(float)
    else:
        codes = np.arange(len(frame), dtype=np.int64)
        when, total = frame[time].to_numpy(float), frame[value].to_numpy(float)
        rows = np.ones(len(frame))
    bins, place = np.unique(np.floor(when / width) * width, return_inverse=True)
    return Cells(name, codes, place.astype(np.int64), when, rows, total, bins)


def generator(seed: int, group: Any, resample: int) -> np.random.Generator:
    """The generator of one resample of a group."""
    name = hashlib.blake2b(str(group).encode(), digest_size=8).digest()
    key = np.array([seed % 2**64, int.from_bytes(name, "big")], dtype=np.uint64)
    counter = np.array([0, 0, 0, resample], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def resampled(part: list[Cells], at: int, seed: int, numbers: range) -> Floats:
    """Means of bins and the slope, of each of some resamples of a group."""
    given = part[at]
    told = np.empty((len(numbers), len(given.bins) + 1))
    for row, number in enumerate(numbers):
        drawn = generator(seed, given.group, number).integers(given.units, size=given.units)
        told[row] = estimates(given, np.bincount(drawn, minlength=given.units)[given.unit])
    return told


def estimates(given: Cells, weight: Any) -> Floats:
    """The mean of each bin, and the slope, where each cell counts `weight` times; NaN: none."""
    rows, total = weight * given.rows, weight * given.total
    size = len(given.bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(given.place, total, size) / np.bincount(given.place, rows, size)
        away = given.time - given.time.mean()
        n, x, y = rows.sum(), (rows * away).sum(), total.sum()
        spread = (rows * away * away).sum() - x * x / n
        slope = ((total * away).sum() - x * y / n) / spread if spread > 1e-12 * n else np.nan
    return np.append(means, slope)


def summary(part: list[Cells], at: int, blocks: list[Floats], level: float) -> pd.DataFrame:
    """The rows of one group."""
    given = part[at]
    found = estimates(given, 1.0)
    drawn = np.concatenate(blocks)
    with np.errstate(invalid="ignore"):
        low, high = _intervals(drawn, level)
    units = [len(np.unique(given.unit[given.place == b])) for b in range(len(given.bins))]
    alone = np.append(np.array(units) < 2, given.units < 2)
    low[alone], high[alone] = np.nan, np.nan
    return pd.DataFrame(
        {
            "group": given.group,
            "time": given.bins,
            "rows": np.bincount(given.place, given.rows).astype(np.int64),
            "units": np.array(units, dtype=np.int64),
            "mean": found[:-1],
            "low": low[:-1],
            "high": high[:-1],
            "slope": found[-1],
            "slope_low": low[-1],
            "slope_high": high[-1],
        }
    )


def _intervals(drawn: Floats, level: float) -> tuple[Floats, Floats]:
    """Percentiles of each column; a resample that has none of a bin's units says nothing of it."""
    low, high = np.full(drawn.shape[1], np.nan), np.full(drawn.shape[1], np.nan)
    for at, column in enumerate(drawn.T):
        if len(there := column[~np.isnan(column)]):
            low[at], high[at] = np.quantile(there, [(1 - level) / 2, (1 + level) / 2])
    return low, high


if __name__ == "__main__":
    main(trend)
