"""What comparing two runs finds, and how it is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace.provenance.records import StageRecord

SAME, DIFFERS, NOT_DETERMINISTIC = "same", "differs", "not deterministic"
#: Stages that one of the runs has not done.
ONLY_A, ONLY_B = "only in the first", "only in the second"


@dataclass(frozen=True)
class Change:
    """One thing that was not the same: `what`, and in words how."""

    what: str
    words: str


@dataclass(frozen=True)
class Difference:
    """How the rows of a table differ between two snapshots.

    Parameters
    ----------
    rows : int
        Rows that are not the same, or that only one has.
    only_a, only_b : int
        Rows that only the first, only the second has.
    columns : mapping
        Column to the items in which its values differ.
    samples : tuple of dict
        ``{"item", "column", "a", "b"}``, a few.
    """

    rows: int
    only_a: int
    only_b: int
    columns: Mapping[str, int]
    samples: tuple[Mapping[str, Any], ...] = ()

    def lines(self) -> list[str]:
        """The difference in words, a line each."""
        columns = ", ".join(f"{c} ({n:,} items)" for c, n in self.columns.items())
        told = [f"{self.rows:,} rows differ" + (f", in {columns}" if columns else "")]
        if self.only_a or self.only_b:
            told.append(f"only in the first {self.only_a:,}, only in the second {self.only_b:,}")
        shown = (f"item {s['item']}, {s['column']}: {s['a']}, then {s['b']}" for s in self.samples)
        return [*told, *shown]


@dataclass(frozen=True)
class Guess:
    """What may be behind a difference, and what speaks for it."""

    words: str
    evidence: str


@dataclass(frozen=True)
class Verdict:
    """What became of one stage.

    Parameters
    ----------
    stage : str
    verdict : str
        One of the constants of this module.
    because : tuple of Change
        What went in and was not the same; may be there though the rows are the same.
    a, b : StageRecord, optional
        The stage in each run.
    difference : Difference, optional
        Where its rows were looked at.
    guesses : tuple of Guess
    """

    stage: str
    verdict: str
    because: tuple[Change, ...] = ()
    a: StageRecord | None = None
    b: StageRecord | None = None
    difference: Difference | None = None
    guesses: tuple[Guess, ...] = ()

    def sentence(self) -> str:
        """The verdict in words."""
        told = "; ".join(change.words for change in self.because)
        if self.verdict == SAME:
            return f"same rows, though {told}" if told else "same"
        if self.verdict == DIFFERS:
            return f"differs, because {told}"
        if self.verdict == NOT_DETERMINISTIC:
            return "NOT DETERMINISTIC: " + (
                told or "same code, libraries, parameters, seed and input, other rows"
            )
        return self.verdict

    def details(self) -> list[str]:
        """What was found of the rows, and guesses: a line each."""
        told = [] if self.difference is None else self.difference.lines()
        return told + [f"a guess: {guess.words} ({guess.evidence})" for guess in self.guesses]

    def document(self) -> dict[str, Any]:
        """The verdict as JSON would have it."""
        return {
            "stage": self.stage,
            "verdict": self.verdict,
            "because": [dataclasses.asdict(change) for change in self.because],
            "rows": [r.rows_out if r else None for r in (self.a, self.b)],
            "quarantined": [r.quarantined if r else None for r in (self.a, self.b)],
            "output_checksums": [r.output_checksum if r else None for r in (self.a, self.b)],
            "difference": dataclasses.asdict(self.difference) if self.difference else None,
            "guesses": [dataclasses.asdict(guess) for guess in self.guesses],
        }


@dataclass(frozen=True)
class Comparison:
    """All stages of two runs, in the order of the first."""

    a: str
    b: str
    verdicts: tuple[Verdict, ...]

    @property
    def deterministic(self) -> bool:
        """Whether no stage gave other rows for no reason."""
        return all(v.verdict != NOT_DETERMINISTIC for v in self.verdicts)

    @property
    def equal(self) -> bool:
        """Whether every stage gave the same rows."""
        return all(v.verdict == SAME for v in self.verdicts)

    def document(self) -> dict[str, Any]:
        """The comparison as JSON would have it."""
        return {
            "a": self.a,
            "b": self.b,
            "equal": self.equal,
            "deterministic": self.deterministic,
            "stages": [v.document() for v in self.verdicts],
        }
