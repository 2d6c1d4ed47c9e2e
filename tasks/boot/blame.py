"""Whose fault a failed job was, from what its ranks told."""

from __future__ import annotations

import json
import linecache
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .failure import Failure

#: Methods of a communicator or a request that wait for another rank, whatever their spelling.
WAITS = re.compile(
    r"\.(i?(neighbor_)?(all)?(bcast|scatterv?|gatherv?|reduce(_scatter)?|toallv?|scan|exscan)"
    r"|i?m?(recv|probe)|[sr]?send|sendrecv|barrier|wait(all|any|some)?)\(",
    re.IGNORECASE,
)
FRAME = re.compile(r'  File "(.+)", line (\d+) in ')
NOWHERE, ENDED = "no answer", "its end"


@dataclass
class Told:
    """What one rank told.

    Parameters
    ----------
    report : dict
        Its ``<rank>.json``.
    stack : str
        Its ``<rank>.stack``.
    root : str
        Where its node has the archive.
    """

    report: dict[str, Any]
    stack: str = ""
    root: str = ""

    def inside(self) -> str | None:
        """The innermost place of the program in its stack: ``tasks/mpi/x.py:41``."""
        inside = [
            f"{Path(file).relative_to(self.root)}:{line}"
            for file, line in FRAME.findall(self.stack)
            if Path(file).is_relative_to(self.root)
        ]
        return inside[0] if inside else None

    def place(self) -> str:
        """Where the rank is."""
        if place := self.inside():
            return place
        return ENDED if "ended" in self.report else NOWHERE


def read(notes: Path, root: Path) -> dict[int, Told]:
    """What the ranks of this node told so far, by their numbers."""
    told = {}
    for path in notes.glob("*.json"):
        stack = path.with_suffix(".stack")
        text = stack.read_text(encoding="utf-8", errors="replace") if stack.is_file() else ""
        told[int(path.stem)] = Told(json.loads(path.read_text(encoding="utf-8")), text, str(root))
    return told


def of_end(told: dict[int, Told], ranks: int, code: int, words: list[str]) -> Failure | None:
    """Why a job ended early; None where all its ranks ran to their end.

    Parameters
    ----------
    told : dict
        What each rank told, by its number.
    ranks : int
        How many there should be.
    code : int
        mpiexec's exit code.
    words : list of str
        The last lines that mpiexec said itself.
    """
    failed = [(t.report["at"], n) for n, t in told.items() if "failed" in t.report]
    if failed:
        # The first: what it did has ended the others.
        rank = min(failed)[1]
        why = told[rank].report["failed"]
        return Failure(rank, why["reason"], why["where"] or told[rank].inside())
    missing = [n for n in range(ranks) if "ended" not in getattr(told.get(n), "report", {})]
    if code == 0 and not missing:
        return None
    said = " ".join(" ".join(words).split())[-300:]
    began = f"; ranks {_list(missing)} did not end" if missing else ""
    return Failure(None, f"mpiexec ended with {code}{began}: {said or 'it said nothing'}")


def of_hang(told: dict[int, Told], ranks: int, root: Path, timeout_s: float) -> Failure:
    """Why a job did not end in its time: the ranks that are elsewhere than most."""
    silent = Told({})
    places = {n: told.get(n, silent).place() for n in range(ranks)}
    counts = Counter(places.values())
    # Where as many are elsewhere, those that wait for a message are not the cause.
    most = max(counts, key=lambda place: (counts[place], _waits(root, place)))
    others = [n for n, place in places.items() if place != most]
    reason = f"no end after {timeout_s:g} s"
    if not others:
        return Failure(None if ranks > 1 else 0, f"{reason}, all ranks are there", most)
    where = places[others[0]]
    found = ", ".join(f"{n} at {places[n]}" for n in others[:8])
    reason = f"{reason}: {_ranks(others)} elsewhere than most, who are at {most}: {found}"
    rank = others[0] if len(others) == 1 else None
    return Failure(rank, reason, where if where not in (NOWHERE, ENDED) else None)


def _waits(root: Path, place: str) -> bool:
    file, _, line = place.rpartition(":")
    return bool(line.isdigit() and WAITS.search(linecache.getline(str(root / file), int(line))))


def _ranks(numbers: list[int]) -> str:
    return f"rank {numbers[0]} is" if len(numbers) == 1 else f"ranks {_list(numbers)} are"


def _list(numbers: list[int]) -> str:
    told = ", ".join(map(str, numbers[:8]))
    return f"{told} and {len(numbers) - 8} more" if len(numbers) > 8 else told
