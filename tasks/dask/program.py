"""The frame of a Dask program: ``--input URI --output URI --params JSON`` in, Parquet out.

A program is a function from a :class:`Program` to the columns that are written, and the line
``main(function)`` under ``if __name__ == "__main__":``, since workers import the file too. It is
called once, beside the cluster; what it gives to Dask is computed by the workers.
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

import pyarrow as pa

from tasks import rows
from tasks.dask import partitions
from tasks.dask.cluster import cluster
from tasks.dask.partitions import ROWS, Partitions

Columns = Mapping[str, Any]
"""A table's columns by their names, each an array or a list."""


class ProgramError(ValueError):
    """What a program was given can't be computed."""


@dataclass
class Program:
    """What a program was called with, and what it notes.

    Parameters
    ----------
    client : distributed.Client
        The cluster's.
    input, output : str
        URIs of what is read and written.
    params : mapping
        The stage's `params`.
    seed : int
        The study's (``HEADRACE_SEED``).
    """

    client: Any
    input: str
    output: str
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    facts: dict[str, int | float | str] = field(default_factory=dict)

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

    def names(self, name: str, *default: str) -> list[str]:
        """Give a parameter that is a list of columns; one column may be given by itself."""
        value = self.params.get(name, list(default))
        told = [value] if isinstance(value, str) else value
        if not isinstance(told, list) or not all(isinstance(n, str) and n for n in told):
            raise ProgramError(
                f"While reading the stage's params, found {name}={value!r}. "
                "It is the name of a column, or a list of names. Correct the study."
            )
        return told

    def within(self, name: str, default: float, low: float, high: float) -> Any:
        """Give a number that must lie between two others, themselves included."""
        value = self.param(name, default)
        if not low <= value <= high:
            raise ProgramError(
                f"While reading the stage's params, found {name}={value!r}. "
                f"It lies between {low:g} and {high:g}. Correct the study."
            )
        return value

    def read(self, columns: Sequence[str], by: Sequence[str] | None = None) -> Partitions:
        """Read columns of the input; `by` are those by which rows belong together.

        The param `partition_rows`, which every program has, says how many rows a partition has,
        about: fewer where rows are wide, as texts are.
        """
        most = self.within("partition_rows", ROWS, 1, 1e9)
        return partitions.read(self.input, columns, by, most)

    def known(self, *names: str) -> None:
        """Refuse parameters that the program does not have, which are mostly misspelt ones."""
        names = (*names, "partition_rows")
        unknown = sorted(set(self.params) - set(names))
        if unknown:
            raise ProgramError(
                f"While reading the stage's params, found {', '.join(unknown)}. "
                f"This program knows {', '.join(sorted(names))}. Correct the study."
            )

    def note(self, name: str, value: int | float | str) -> None:
        """Note a fact of the run, shown by the board and ``why``."""
        self.facts[name] = value

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Note the seconds of a block as `compute_s`: without start and writing."""
        started = time.perf_counter()
        yield
        self.note("compute_s", time.perf_counter() - started)


def main(work: Callable[[Program], Columns]) -> None:
    """Start the cluster, run a program, write its facts and then its rows."""
    told = arguments(sys.argv[1:])
    seed = int(os.environ.get("HEADRACE_SEED", "0"))
    with cluster() as client:
        program = Program(client, told.input, told.output, told.params, seed)
        run(program, work, PurePosixPath(sys.argv[0]).stem)


def run(program: Program, work: Callable[[Program], Columns], name: str) -> None:
    """Compute and write; NaN is written as null. Who sees the rows can see the facts."""
    columns = work(program)
    program.note("workers", len(program.client.scheduler_info(n_workers=-1)["workers"]))
    rows.write_facts(program.output, name, program.facts)
    rows.write(program.output, {n: pa.array(v, from_pandas=True) for n, v in columns.items()})


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Read a program's words; `params` is a JSON object."""
    parser = argparse.ArgumentParser(description="A Dask program of a study's stage")
    for name, meaning in (("input", "URI that is read"), ("output", "URI that is written")):
        parser.add_argument(f"--{name}", required=True, help=meaning)
    parser.add_argument("--params", type=json.loads, default={}, help="a JSON object")
    told = parser.parse_args(words)
    if not isinstance(told.params, dict):
        parser.error("--params is no JSON object")
    return told
