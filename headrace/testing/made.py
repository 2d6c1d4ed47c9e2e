"""What a stage made of its rows, and the errors of making it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from headrace.errors import HeadraceError
from headrace.lake import Column
from headrace.table_plans import Column as PlannedColumn

Row = dict[str, Any]
Failures = Literal["raise", "quarantine"]


class ItemFailedError(HeadraceError):
    """An item or a record gave no row, or what a program gave is none."""


class NoSuchStageError(HeadraceError):
    """A study has no stage or table of that name that runs in process."""


class StageFailedError(HeadraceError):
    """A stage's program failed, or can't be run here; its own error is this one's cause."""


class Rows(list[Row]):
    """Rows of a table.

    Attributes
    ----------
    quarantined : list of dict
        What would be quarantined: ``item`` (its number), ``reason``, ``bytes``.
    facts : dict
        What the program noted beside its rows.
    """

    def __init__(self) -> None:
        super().__init__()
        self.quarantined: list[Row] = []
        self.facts: Row = {}


@dataclasses.dataclass
class Made:
    """Rows, and beside them what failed; `what` says what its numbers count."""

    rows: Rows = dataclasses.field(default_factory=Rows)
    failed: list[Row] = dataclasses.field(default_factory=list)
    what: str = "item"

    def settled(self, name: str, failures: Failures) -> Rows:
        """The rows, with what failed among the quarantined.

        Raises
        ------
        ItemFailedError
            Naming the first that failed, unless failures are quarantined.
        """
        if failures == "raise" and self.failed:
            first = self.failed[0]
            raise ItemFailedError(
                f"running {name} on {self.what} {first['item']}",
                str(first["reason"]),
                f'Correct the function or the {self.what}, or ask for failures="quarantine".',
            )
        told = [*self.rows.quarantined, *self.failed]
        self.rows.quarantined = sorted(told, key=lambda one: int(one["item"]))
        return self.rows


def columns_of(columns: Iterable[PlannedColumn]) -> Sequence[Column]:
    """Columns as ``plan.json`` writes them."""
    return [(column.name, column.type, column.required) for column in columns]
