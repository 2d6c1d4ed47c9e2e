"""What many indicators have in common: principal components, by Dask's array.

    Dask("index", program="tasks/dask/components.py", workers=2, produces=Loading,
        input="SELECT income, schooling, lifespan FROM places",
        params={"columns": ["income", "schooling", "lifespan"], "components": 2})

Columns are standardised (ddof 0) and taken apart by a singular value decomposition of a tall and
narrow matrix (dask.array.linalg.svd): each partition is factored alone, and the small factors
together. Of a component's two directions it is the one in which its greatest loading is positive.
A row a component and column:

| column | meaning |
|---|---|
| `component` | from 1; the one with most variance first |
| `column` | of the input |
| `loading` | of the column, standardised; the squares of a component's add up to 1 |
| `share` | of all variance that is the component's |
| `mean`, `sd` | of the column |

Params: `columns` (of numbers), `components` (how many; 2).
"""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
from dask import compute, delayed

from tasks.dask.program import Columns, Program, ProgramError, main


def components(program: Program) -> Columns:
    """Find the components."""
    program.known("columns", "components")
    names = program.names("columns")
    if len(set(names)) < 2:
        raise ProgramError(
            f"While reading the stage's params, found columns={names}. "
            "Components are of two columns at least. Name them."
        )
    count = program.within("components", min(2, len(names)), 1, len(names))
    with program.computing():
        parts = program.read(names).map(matrix, names)
        x = array(program.client.persist(parts), len(names))
        mean, sd = compute(x.mean(axis=0), x.std(axis=0))
        if len(x) < len(names) or not (sd > 0).all():
            raise ProgramError(
                f"While standardising, found {len(x):,} rows and the deviations "
                f"{dict(zip(names, map(float, sd), strict=True))}. Each column must vary, and "
                "there must be a row for each. Leave columns out."
            )
        _, values, loadings = compute(*da.linalg.svd((x - mean) / sd))
    share = values**2 / (values**2).sum()
    greatest = (
        np.abs(loadings).round(9).argmax(axis=1)
    )  # the first, of such as are equal but for noise
    loadings *= np.sign(loadings[np.arange(len(loadings)), greatest])[:, None]
    many = len(names)
    return {
        "component": np.repeat(np.arange(1, count + 1), many),
        "column": names * count,
        "loading": loadings[:count].ravel(),
        "share": np.repeat(share[:count], many),
        "mean": np.tile(mean, count),
        "sd": np.tile(sd, count),
    }


def matrix(part: pd.DataFrame, names: list[str]) -> Any:
    """The columns of a partition as a matrix."""
    return part[names].to_numpy(float)


def array(parts: list[Any], columns: int) -> Any:
    """Matrices of partitions as one array of Dask's; CuPy's where that is the setting."""
    counts = compute(*map(delayed(len), parts))
    blocks = [
        da.from_delayed(part, shape=(count, columns), dtype=float)
        for part, count in zip(parts, counts, strict=True)
        if count
    ]
    # A block that is no taller than wide can't be factored alone.
    whole = da.concatenate(blocks)
    low = min(whole.chunks[0])
    return whole if low >= columns else whole.rechunk((-1, columns))


if __name__ == "__main__":
    main(components)
