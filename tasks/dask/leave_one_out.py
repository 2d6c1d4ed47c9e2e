"""Does one group make the finding? A regression line anew without each group, by delayed functions.

    Dask("robust", program="tasks/dask/leave_one_out.py", workers=2, produces=Without,
        input="SELECT president, year, compound FROM sentences",
        params={"group": "president", "x": "year", "y": "compound"})

A least-squares line needs five sums of its rows. Each partition adds up its groups; the sums of
all groups but one give the line without it. A row for the whole, then a row a group:

| column | meaning |
|---|---|
| `without` | the group that is left out; null for the line through all rows |
| `rows` | that are left |
| `slope`, `intercept` | of the line through them |
| `change` | of the slope from that through all rows |

Params: `group`, `x`, `y` (columns, named so by default).
"""

from __future__ import annotations

from typing import Any

import dask
import numpy as np
import pandas as pd

from tasks.dask.program import Columns, Program, ProgramError, main


def leave_one_out(program: Program) -> Columns:
    """Fit the lines."""
    program.known("group", "x", "y")
    group, x, y = (program.param(name, name) for name in ("group", "x", "y"))
    with program.computing():
        read = program.read([group, x, y]).kept(program.client)
        (origin,) = dask.compute(read.map(means, x, y)[0])
        sums = together(read.map(added, group, x, y, origin))
        names = dask.compute(groups(sums))[0]
        told = dask.compute(line(sums, None), *(line(sums, name) for name in names))
    if np.isnan(told[0]).any():
        raise ProgramError(
            f"While fitting a line, found {x} the same in all rows. A line needs two values of it. "
            "Give rows that differ."
        )
    n, slope, intercept = np.array(told).T
    return {
        "without": [None, *map(str, names)],
        "rows": n.astype(np.int64),
        "slope": slope,
        "intercept": intercept + origin[1] - slope * origin[0],
        "change": slope - slope[0],
    }


def means(part: pd.DataFrame, x: str, y: str) -> tuple[float, float]:
    """A point near the rows' middle: sums of products about it keep their digits."""
    return float(part[x].mean()), float(part[y].mean())


def added(
    part: pd.DataFrame, group: str, x: str, y: str, origin: tuple[float, float]
) -> pd.DataFrame:
    """The sums of a partition's groups."""
    a, b = part[x].astype(float) - origin[0], part[y].astype(float) - origin[1]
    each = pd.DataFrame({group: part[group], "n": 1, "x": a, "y": b, "xx": a * a, "xy": a * b})
    return each.groupby(group, sort=True).sum()


@dask.delayed
def together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The sums of all groups, by name."""
    told = pd.concat(parts)
    return told.groupby(level=0, sort=True).sum()


@dask.delayed
def groups(sums: pd.DataFrame) -> list[Any]:
    """Names of all groups."""
    return list(sums.index)


@dask.delayed
def line(sums: pd.DataFrame, without: Any) -> tuple[int, float, float]:
    """Rows, slope and intercept without one group; NaN where they are on no line."""
    left = sums if without is None else sums.drop(index=without)
    n, x, y, xx, xy = left.sum()
    spread = xx - x * x / n if n else 0.0
    if not spread > 0:
        return int(n), np.nan, np.nan
    slope = (xy - x * y / n) / spread
    return int(n), slope, (y - slope * x) / n


if __name__ == "__main__":
    main(leave_one_out)
