"""What landed of what was pushed, asked of the tables in SQL.

Numbered rows are found by their numbers, whenever they landed; the others from the first
sequence number that the stream still holds of their shard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from headrace.plan import QUARANTINE, Plan
from headrace.pushed import Pushed

#: Conditions in one statement. Each has at most 240 characters, and Athena takes statements of
#: 262,144 bytes: https://docs.aws.amazon.com/athena/latest/ug/service-limits.html
CONDITIONS = 1000


@dataclass(frozen=True)
class Landed:
    """What the tables hold of what was pushed.

    Parameters
    ----------
    rows, quarantined : Counter
        By source.
    reasons : Counter
        Quarantined by reason.
    """

    rows: Counter[str]
    quarantined: Counter[str]
    reasons: Counter[str]

    def total(self) -> int:
        """Records that arrived somewhere."""
        return self.rows.total() + self.quarantined.total()


def landed(plan: Plan, was: Pushed, ask: Callable[[str], pa.Table]) -> Landed:
    """Ask the tables for what was pushed.

    Parameters
    ----------
    plan : Plan
    was : Pushed
    ask : callable
        Runs SQL and gives the rows.
    """
    found = Landed(Counter(), Counter(), Counter())
    for sql in statements(plan, was):
        for row in ask(sql).to_pylist():
            if row["of_table"] == QUARANTINE:
                found.quarantined[row["source"]] += row["n"]
                found.reasons[row["reason"]] += row["n"]
            else:
                found.rows[row["source"]] += row["n"]
    return found


def statements(plan: Plan, was: Pushed) -> Iterator[str]:
    """The SQL that counts rows, in as many statements as Athena's limit on length wants."""
    conditions = list(_conditions(was))
    step = max(1, CONDITIONS // (len(plan.tables) + 1))  # each stands once a table
    for start in range(0, len(conditions), step):
        where = "\n   OR ".join(conditions[start : start + step])
        counts = [
            f"SELECT '{table.name}' AS of_table, \"_source\" AS source,"
            f" CAST(NULL AS varchar) AS reason, count(*) AS n\nFROM {table.name}\n"
            f'WHERE {where}\nGROUP BY "_source"'
            for table in plan.tables
        ]
        counts.append(
            f"SELECT '{QUARANTINE}' AS of_table, \"_source\" AS source, reason, count(*) AS n\n"
            f'FROM {QUARANTINE}\nWHERE {where}\nGROUP BY "_source", reason'
        )
        yield "\nUNION ALL\n".join(counts)


def _conditions(was: Pushed) -> Iterator[str]:
    for name, shard in sorted(was.shards.items()):
        yield (
            f'("_counter" IS NULL AND "_source" = {_text(name)}'
            f' AND "_sequence" >= {_text(shard.first)})'
        )
    for producer, ranges in sorted(was.counters().items()):
        for low, high in ranges:
            yield f'("_producer" = {_text(producer)} AND "_counter" BETWEEN {low} AND {high})'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
