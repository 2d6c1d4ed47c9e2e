"""What is in each group: counts, means, deviations, extremes and quantiles.

    Dask("moods", program="tasks/dask/groupby.py", workers=2, produces=Mood,
        input="SELECT party, year, compound FROM sentences",
        params={"by": ["party"], "values": ["compound"], "quantiles": [0.25, 0.5, 0.75]})

Quantiles are approximate, and say so, unless the param `exact` is true.

* Approximate: each partition gives 1,001 percentiles of each of its groups (of fewer rows: the
  rows), which are merged (dask.array.percentile.merge_percentiles). No worker needs a whole group.
* Exact: rows are dealt by group, so that each group lies on one worker, as `numpy.quantile` has
  it, linear between neighbours. A group must fit into a worker's memory.

The rest is exact both ways. A row a group and value, in the order of groups:

| column | meaning |
|---|---|
| those of the param `by` | the group |
| `column` | which of `values` |
| `count`, `mean`, `min`, `max` | |
| `sd` | of a sample (ddof 1); null for a single row |
| `q25`, `q50`, `q97_5`, … | quantiles 0.25, 0.5, 0.975 |
| `quantiles` | ``approximate`` or ``exact`` |

Params: `by` (columns), `values` (columns of numbers, ["value"]), `quantiles` ([0.25, 0.5, 0.75]),
`exact` (false).
"""

from __future__ import annotations

from tasks.dask.groups import described
from tasks.dask.program import Columns, Program, ProgramError, main


def groupby(program: Program) -> Columns:
    """Describe each group."""
    program.known("by", "values", "quantiles", "exact")
    by = program.names("by")
    if not by:
        raise ProgramError(
            "While reading the stage's params, found no column in by. The program describe.py is "
            "for a table as a whole. Name a column, or take that."
        )
    return described(program, by)


if __name__ == "__main__":
    main(groupby)
