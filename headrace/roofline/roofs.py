"""The roofs that were measured, and what they allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from headrace.errors import HeadraceError

#: Memories, the nearest one first; those that a machine doesn't tell aren't there.
LEVELS = ("L1", "L2", "L3", "DRAM")
#: Of other work a minute, in processes that run, above which figures are no roofs.
BUSY = 1.5


class RooflineError(HeadraceError):
    """A machine can't be measured."""


@dataclass(frozen=True)
class Roof:
    """One roof: a row of tasks/mpi/roofline.py."""

    roof: str
    unit: str
    per_s: float
    cores: int
    bytes: int
    note: str = ""


@dataclass(frozen=True)
class Roofline:
    """A machine's roofs.

    Parameters
    ----------
    roofs : tuple of Roof
    where : str
        Which machine it is, in words.
    facts : mapping
        ``model`` and ``cores`` of its processor, ``load`` that it was under.
    """

    roofs: tuple[Roof, ...]
    where: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cores(self) -> int:
        """Cores that were measured together."""
        return max(r.cores for r in self.roofs if r.roof == "FMA")

    def rate(self, roof: str, cores: int | None = None) -> float | None:
        """What was reached, by so many cores, or by whichever there were."""
        found = [r for r in self.roofs if r.roof == roof and cores in (None, r.cores)]
        return found[-1].per_s if found else None

    def peak(self, cores: int) -> float:
        """The most FLOP a second that was seen: of one core, or of all where more work.

        Of numbers between, as many times one core's, and no more than all have.
        """
        return self._of(("FMA", "dgemm"), cores)

    def bandwidth(self, level: str, cores: int) -> float:
        """Bytes a second of a level, by so many cores."""
        return self._of((level,), cores)

    def _of(self, names: Iterable[str], cores: int) -> float:
        every = max(self.rate(name, self.cores) or 0.0 for name in names)
        one = max(self.rate(name, 1) or 0.0 for name in names)
        if cores <= 1:
            return one
        most = max(every, one)  # other work may have made two cores slower than one
        return most if cores >= self.cores else min(most, one * cores)

    @property
    def levels(self) -> list[str]:
        """The memories that were measured."""
        return [name for name in LEVELS if self.rate(name) is not None]

    def warnings(self) -> list[str]:
        """What a reader should know."""
        load, cores = float(self.facts.get("load", 0.0)), int(self.facts.get("cores", 1))
        said = []
        if load > BUSY * cores:
            said.append(
                f"The machine was under a load of {load:.1f} on {cores} cores: its roofs are "
                "higher than what was seen. Measure again when it is idle."
            )
        nominal, seen = self.rate("nominal", 1), self.peak(1)
        if nominal and seen > 1.05 * nominal:
            said.append("More than the nominal peak was seen: the clock is higher than it says.")
        return said

    def document(self) -> dict[str, Any]:
        """It as JSON would have it."""
        return {
            "where": self.where,
            **dict(self.facts),
            "roofs": [asdict(roof) for roof in self.roofs],
            "warnings": self.warnings(),
        }


def of_rows(rows: Iterable[Mapping[str, Any]], where: str, facts: Mapping[str, Any]) -> Roofline:
    """Roofs from the rows that the program wrote.

    Raises
    ------
    RooflineError
        Where it wrote none.
    """
    found = tuple(Roof(**row) for row in rows)
    if not any(r.roof == "FMA" for r in found):
        raise RooflineError(
            f"reading the roofs of {where}", "no peak among its rows", "Measure it again."
        )
    return Roofline(found, where, facts)
