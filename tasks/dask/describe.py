"""What is in a table: as `groupby`, with the table as its only group.

    Dask("lengths", program="tasks/dask/describe.py", workers=2, produces=Described,
        input="SELECT compound, length(text) AS length FROM sentences",
        params={"values": ["compound", "length"], "exact": True})

A row a column of the param `values`; see `tasks/dask/groupby.py` for the columns and the other
params. Exact quantiles have one worker hold all rows.
"""

from __future__ import annotations

from tasks.dask.groups import described
from tasks.dask.program import Columns, Program, main


def describe(program: Program) -> Columns:
    """Describe the table."""
    program.known("values", "quantiles", "exact")
    return described(program, [])


if __name__ == "__main__":
    main(describe)
