"""Which columns tell one class from another: logistic regression by dask-ml.

    Dask("party", program="tasks/dask/model.py", workers=2, produces=Coefficient,
        input="SELECT party = 'Republican' AS republican, year, compound FROM sentences",
        params={"label": "republican", "features": ["year", "compound"], "group": "year"})

dask_ml.linear_model.LogisticRegression, solver L-BFGS, penalty L2. Features are standardised by
the mean and deviation of the rows that it learns from, so that coefficients can be compared.
A share of the rows is held out; rows of one group are held out together. Which ones follows from
their values and the seed. A row a feature, and one for the `intercept`:

| column | meaning |
|---|---|
| `feature` | |
| `coefficient` | change of the log odds of class 1 a standard deviation of the feature |
| `mean`, `sd` | of the feature where it learnt (ddof 0); null for the intercept |
| `rows`, `held_out` | from which it learnt, and those that were asked |
| `accuracy`, `baseline` | share of those asked: classed right; of the commoner class |

Params: `label` (a column of 0 and 1 or of booleans, "label"), `features` (columns of numbers),
`group` (a column; by default each row is its own), `held_out` (0.25), `penalty` (C, the inverse
of its strength; 1.0).
"""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
from dask import compute, delayed
from dask_ml.linear_model import LogisticRegression

from tasks.dask.program import Columns, Program, ProgramError, main

PARAMS = ("label", "features", "group", "held_out", "penalty")


def model(program: Program) -> Columns:
    """Fit, and ask the rows that were held out."""
    program.known(*PARAMS)
    label, features = program.param("label", "label"), program.names("features")
    group, share = program.param("group", ""), program.within("held_out", 0.25, 0.01, 0.9)
    penalty = program.within("penalty", 1.0, 1e-9, 1e9)
    if not features or label in features:
        raise ProgramError(
            f"While reading the stage's params, found features={features} and label={label}. "
            "At least one feature is wanted, and none is the label. Name them."
        )
    with program.computing():
        names = [*features, label, *([group] if group else [])]
        read = program.read(names)
        split = read.map(dealt, label, features, group, share, program.seed)
        split = program.client.persist(split)
        counts = np.array(compute(*(delayed(_counts)(part) for part in split)))
        _check(counts.sum(axis=0), label)
        x, y = _array(split, 0, counts[:, 0], len(features)), _array(split, 1, counts[:, 0])
        mean, sd = compute(x.mean(axis=0), x.std(axis=0))
        if not (sd > 0).all():
            raise ProgramError(
                f"While standardising, found {features[int(sd.argmin())]} the same in all rows. "
                "It tells no class from another. Leave it out."
            )
        fitted = LogisticRegression(solver="lbfgs", C=penalty).fit((x - mean) / sd, y)
        asked, truth = _array(split, 2, counts[:, 1], len(features)), _array(split, 3, counts[:, 1])
        ones, right = compute(y.mean(), (fitted.predict((asked - mean) / sd) == truth).mean())
        common = compute((truth == (ones > 0.5)).mean())[0]
    learnt, held = counts.sum(axis=0)[:2]
    size = len(features) + 1
    return {
        "feature": [*features, "intercept"],
        "coefficient": [*fitted.coef_.ravel(), float(np.ravel(fitted.intercept_)[0])],
        "mean": [*mean, None],
        "sd": [*sd, None],
        "rows": [int(learnt)] * size,
        "held_out": [int(held)] * size,
        "accuracy": [float(right)] * size,
        "baseline": [float(common)] * size,
    }


Split = tuple[Any, Any, Any, Any]


def dealt(
    part: pd.DataFrame, label: str, features: list[str], group: str, share: float, seed: int
) -> Split:
    """Features and labels of a partition: to learn from, and to be asked."""
    told = part[label]
    if told.dtype.kind not in "iufb" or not told.isin([0, 1]).all():
        raise ProgramError(
            f"While reading {label}, found {told[~told.isin([0, 1])].iloc[:1].tolist()} of type "
            f"{told.dtype}. A label is 0 or 1. Make it so in the stage's SQL."
        )
    keys = part[[group]] if group else part[[*features, label]]
    key = f"{seed % 10**16:016d}"  # of pandas' hash: 16 characters
    hashed = pd.util.hash_pandas_object(keys.astype(str), index=False, hash_key=key)
    held = hashed.to_numpy() / 2.0**64 < share
    x, y = part[features].to_numpy(float), told.to_numpy(float)
    return x[~held], y[~held], x[held], y[held]


def _counts(split: Split) -> tuple[int, int, float, float]:
    return len(split[1]), len(split[3]), float(split[1].sum()), float(split[3].sum())


def _check(counts: Any, label: str) -> None:
    learnt, held, ones, _ = counts
    if not held or not 0 < ones < learnt:
        raise ProgramError(
            f"While dealing rows, found {int(learnt):,} to learn from, {int(ones):,} of them with "
            f"{label}=1, and {int(held):,} held out. Both classes and some rows are wanted. "
            "Give more rows, or groups."
        )


def _array(split: list[Any], place: int, counts: Any, columns: int | None = None) -> Any:
    """The arrays at a place of all partitions, as one of Dask's."""
    taken = delayed(_taken, pure=True)
    wide = () if columns is None else (columns,)
    blocks = [
        da.from_delayed(taken(part, place), shape=(int(count), *wide), dtype=float)
        for part, count in zip(split, counts, strict=True)
        if count
    ]
    return da.concatenate(blocks)


def _taken(split: Split, place: int) -> Any:
    return split[place]


if __name__ == "__main__":
    main(model)
