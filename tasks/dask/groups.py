"""Describes groups of rows by Dask's dataframe, with quantiles that are approximate or exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from dask import compute
from dask.array.percentile import merge_percentiles

from tasks.dask.partitions import Partitions
from tasks.dask.program import Columns, Program, ProgramError

#: Percentiles that a partition gives of a group; of one with fewer rows, the rows.
POINTS = 1001
#: Stands for the table as a whole, where there is no group.
ALL = "_all"
MOMENTS = ("count", "mean", "sd", "min", "max")


def described(program: Program, by: list[str]) -> Columns:
    """Describe the groups that are equal in some columns; the table, where there is none."""
    values, exact = program.names("values", "value"), program.param("exact", False)
    quantiles = _quantiles(program)
    if not values or set(values) & set(by):
        raise ProgramError(
            f"While reading the stage's params, found by={by} and values={values}. "
            "Values are other columns than groups, at least one. Name them."
        )
    with program.computing():
        read = program.read([*by, *values], by if exact else None)
        _check(read.meta[values])
        if exact:
            told = _exact(read, by, values, quantiles)
        else:
            told = _approximate(read.kept(program.client), by, values, quantiles)
    program.note("rows", read.rows)
    program.note("partitions", len(read.parts))
    told["quantiles"] = "exact" if exact else "approximate"
    return {name: told[name].tolist() for name in told.columns if name != ALL}


def column(quantile: float) -> str:
    """The column of a quantile.

    >>> column(0.5), column(0.975)
    ('q50', 'q97_5')
    """
    return f"q{quantile * 100:.10g}".replace(".", "_")


def _quantiles(program: Program) -> list[float]:
    told = program.param("quantiles", [0.25, 0.5, 0.75])
    if not all(isinstance(q, int | float) and 0 <= q <= 1 for q in told):
        raise ProgramError(
            f"While reading the stage's params, found quantiles={told!r}. "
            "They are numbers from 0 to 1. Correct the study."
        )
    return [float(q) for q in told]


def _check(values: pd.DataFrame) -> None:
    for name in values.columns:
        if values[name].dtype.kind not in "iufb":
            raise ProgramError(
                f"While reading column {name}, found {values[name].dtype}. "
                "Values are numbers. Cast it in the stage's SQL."
            )


def _exact(
    read: Partitions, by: list[str], values: list[str], quantiles: list[float]
) -> pd.DataFrame:
    whole = [p for p in compute(*read.map(whole_groups, by, values, quantiles)) if len(p)]
    told = pd.concat(whole, ignore_index=True)
    return told.sort_values([*by, "column"], ignore_index=True)


def whole_groups(
    part: pd.DataFrame, by: list[str], values: list[str], quantiles: list[float]
) -> pd.DataFrame:
    """Describe the groups of a partition that holds them whole."""
    part = part.assign(**{ALL: 0})
    keys, found = by or [ALL], []
    for name in values:
        grouped = part.groupby(keys, sort=True)[name]
        told = grouped.agg(count="count", mean="mean", sd="std", min="min", max="max")
        for quantile in quantiles:
            told[column(quantile)] = grouped.quantile(quantile)
        found.append(told.reset_index().assign(column=name))
    return _ordered(pd.concat(found, ignore_index=True), keys, quantiles)


def _approximate(
    read: Partitions, by: list[str], values: list[str], quantiles: list[float]
) -> pd.DataFrame:
    keys, (first,) = by or [ALL], compute(read.map(centre, values)[0])
    moments = _moments(read.frame().assign(**{ALL: 0}), keys, first)
    points = compute(*read.map(percentiles, keys, values))
    found = []
    for name in values:
        told = moments[name]
        merged = [
            _merged([p[k, name] for p in points if (k, name) in p], quantiles) for k in told.index
        ]
        for place, quantile in enumerate(quantiles):
            told[column(quantile)] = [m[place] for m in merged]
        found.append(told.rename_axis(keys).reset_index().assign(column=name))
    told = _ordered(pd.concat(found, ignore_index=True), keys, quantiles)
    return told.sort_values([*by, "column"], ignore_index=True)


def _moments(frame: Any, keys: list[str], first: dict[str, float]) -> dict[str, pd.DataFrame]:
    """Of each value and group, by Dask's dataframe."""
    # Dask's variance is of sums of squares, which lose digits far from 0.
    frame = frame.assign(**{f"_{name}": frame[name] - away for name, away in first.items()})
    asked = {n: ["count", "min", "max"] for n in first} | {f"_{n}": ["mean", "std"] for n in first}
    told = frame.groupby(keys, sort=True).agg(asked).compute()
    told = told.to_pandas() if hasattr(told, "to_pandas") else told  # of cuDF
    return {
        name: pd.DataFrame(
            {
                "count": told[name, "count"],
                "mean": told[f"_{name}", "mean"] + away,
                "sd": told[f"_{name}", "std"],
                "min": told[name, "min"],
                "max": told[name, "max"],
            }
        )
        for name, away in first.items()
    }


def centre(part: pd.DataFrame, values: list[str]) -> dict[str, float]:
    """The means of a partition: of rows that a hash chose, so near those of all."""
    return {name: float(part[name].mean()) for name in values}


def percentiles(part: pd.DataFrame, keys: list[str], values: list[str]) -> dict[Any, Any]:
    """Count, and values at even percentiles, of each group and column of a partition."""
    grouped = part.assign(**{ALL: 0}).groupby(keys[0] if len(keys) == 1 else keys, sort=True)
    return {
        (key, name): (len(group), _even(np.sort(group[name].to_numpy(float))))
        for key, group in grouped
        for name in values
    }


def _even(ordered: Any) -> Any:
    if len(ordered) <= POINTS:
        return ordered
    return np.percentile(ordered, np.linspace(0, 100, POINTS))


def _merged(given: list[tuple[int, Any]], quantiles: list[float]) -> Any:
    counts, points = zip(*given, strict=True)
    asked = np.array(quantiles) * 100
    if all(len(each) == count for each, count in zip(points, counts, strict=True)):
        return np.quantile(np.concatenate(points), quantiles)  # these are all of the rows
    at = [np.linspace(0, 100, len(each)) if len(each) > 1 else [50.0] for each in points]
    return merge_percentiles(asked, at, points, "linear", counts)


def _ordered(told: pd.DataFrame, keys: list[str], quantiles: list[float]) -> pd.DataFrame:
    return told[[*keys, "column", *MOMENTS, *map(column, quantiles)]]
