"""The frame of an MPI program: ``--input URI --output URI --params JSON`` in, Parquet out.

A program is a function from a :class:`Program` to the rows that rank 0 writes, and the line
``main(function)``. Every rank is called alike; rank 0 alone reads and writes, so that nobody
else needs to import what that takes. Started without mpiexec it is one rank.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from mpi4py import MPI

Columns = Mapping[str, Any]
"""A table's columns by their names, each an array or a list."""


class ProgramError(ValueError):
    """What a program was given can't be computed."""


@dataclass
class Program:
    """What a program was called with, and what it notes.

    Parameters
    ----------
    comm : MPI.Comm
        All ranks.
    input, output : str
        URIs of what is read and written.
    params : mapping
        The stage's `params`.
    seed : int
        The study's (``HEADRACE_SEED``).
    """

    comm: Any
    input: str
    output: str
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    facts: dict[str, int | float | str] = field(default_factory=dict)

    @property
    def rank(self) -> int:
        """The rank's number."""
        return int(self.comm.Get_rank())

    @property
    def size(self) -> int:
        """How many ranks there are."""
        return int(self.comm.Get_size())

    @property
    def root(self) -> bool:
        """Whether this is rank 0, which reads and writes."""
        return self.rank == 0

    def param(self, name: str, default: Any) -> Any:
        """Give a parameter, of the type of its default; an integer will do for a float."""
        value = self.params.get(name, default)
        if isinstance(default, float) and type(value) is int:
            value = float(value)
        if default is not None and type(value) is not type(default):
            raise ProgramError(
                f"While reading the stage's params, found {name}={value!r}. "
                f"It is a {type(default).__name__}, by default {default!r}. Correct the study."
            )
        return value

    def choice(self, name: str, *among: str) -> str:
        """Give a parameter that is one of some words, by default the first of them."""
        value: str = self.param(name, among[0])
        if value not in among:
            raise ProgramError(
                f"While reading the stage's params, found {name}={value!r}. "
                f"It is one of {', '.join(among)}. Correct the study."
            )
        return value

    def known(self, *names: str) -> None:
        """Refuse parameters that the program does not have, which are mostly misspelt ones."""
        unknown = sorted(set(self.params) - set(names))
        if unknown:
            raise ProgramError(
                f"While reading the stage's params, found {', '.join(unknown)}. "
                f"This program knows {', '.join(sorted(names))}. Correct the study."
            )

    def note(self, name: str, value: int | float | str) -> None:
        """Note a fact of the run, shown by the board and ``why``. Rank 0's are kept."""
        self.facts[name] = value

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Note the seconds of a block as `compute_s`: without start, reading and writing."""
        started = time.perf_counter()
        yield
        self.facts["compute_s"] = self.facts.get("compute_s", 0.0) + time.perf_counter() - started  # type: ignore[operator]


def main(work: Callable[[Program], Columns | None]) -> None:
    """Run a program as a rank: from the words of its command line to its output.

    The facts are written before the rows: who sees the rows can see the facts.
    """
    told = arguments(sys.argv[1:])
    seed = int(os.environ.get("HEADRACE_SEED", "0"))
    program = Program(MPI.COMM_WORLD, told.input, told.output, told.params, seed)
    run(program, work, PurePosixPath(sys.argv[0]).stem)


def run(program: Program, work: Callable[[Program], Columns | None], name: str) -> None:
    """Compute; rank 0 writes the facts as ``facts/NAME.json`` beside the output, and the rows."""
    columns = work(program)
    if program.root:
        from tasks.mpi import rows  # here: Arrow takes a third of a second, and one rank needs it

        if columns is None:
            raise ProgramError(f"While ending {name}, found no rows on rank 0. Return its columns.")
        rows.write_facts(program.output, name, program.facts)
        rows.write(program.output, columns)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Read a program's words; `params` is a JSON object."""
    parser = argparse.ArgumentParser(description="An MPI program of a study's stage")
    for name, meaning in (("input", "URI that is read"), ("output", "URI that is written")):
        parser.add_argument(f"--{name}", required=True, help=meaning)
    parser.add_argument("--params", type=json.loads, default={}, help="a JSON object")
    told = parser.parse_args(words)
    if not isinstance(told.params, dict):
        parser.error("--params is no JSON object")
    return told
