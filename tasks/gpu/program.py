"""The frame of an OpenCL program: ``--input URI --output URI --params JSON`` in, Parquet out.

A program is a function from a :class:`Program` to the rows that are written, and the line
``main(function)``. All of them know the params `device` (``"any"``: a GPU, else the CPU; ``"gpu"``,
``"cpu"``) and `device_mib`, the device's memory that may be taken.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from tasks import rows
from tasks.gpu import ceilings
from tasks.gpu.device import Device, pick

Columns = Mapping[str, Any]
"""A table's columns by their names, each an array or a list."""
PARAMS = ("device", "device_mib")


class ProgramError(ValueError):
    """What a program was given can't be computed."""


@dataclass
class Program:
    """What a program was called with, the device, and what it notes.

    Parameters
    ----------
    input, output : str
        URIs of what is read and written.
    params : mapping
        The stage's `params`.
    seed : int
        The study's (``HEADRACE_SEED``).
    """

    input: str
    output: str
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    facts: dict[str, int | float | str] = field(default_factory=dict)

    @cached_property
    def device(self) -> Device:
        """The device, picked when it is first asked for; the log says which."""
        most = self.param("device_mib", None)
        if most is not None and (type(most) is not int or most < 1):
            raise ProgramError(
                f"While reading the stage's params, found device_mib={most!r}. "
                "It is a whole number of MiB, 1 at least. Correct the study."
            )
        found = pick(self.choice("device", "any", "gpu", "cpu"), most)
        say(f"{found.name} by {found.platform}, {found.most_mib} MiB of it at most")
        return found

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
        unknown = sorted(set(self.params) - {*names, *PARAMS})
        if unknown:
            raise ProgramError(
                f"While reading the stage's params, found {', '.join(unknown)}. "
                f"This program knows {', '.join(sorted({*names, *PARAMS}))}. Correct the study."
            )

    def note(self, name: str, value: int | float | str) -> None:
        """Note a fact of the run, shown by the board and ``why``."""
        self.facts[name] = value

    def forecast(self, moved: int, bytes_: int, flop: int) -> None:
        """Say before computing how long device and host would take, and who loses by what.

        Parameters
        ----------
        moved : int
            Bytes to copy between host and device.
        bytes_, flop : int
            What the kernels will read and write, and their operations on floats.
        """
        told = ceilings.forecast(self.device, moved, bytes_, flop)
        say(told.sentence)
        self.facts |= told.facts


def say(sentence: str) -> None:
    """Say a line in the log."""
    print(f"headrace: {sentence}", file=sys.stderr, flush=True)


def main(work: Callable[[Program], Columns]) -> None:
    """Run a program from the words of its command line to its output.

    The facts are written before the rows: who sees the rows can see the facts.
    """
    told = arguments(sys.argv[1:])
    program = Program(
        told.input, told.output, told.params, int(os.environ.get("HEADRACE_SEED", "0"))
    )
    run(program, work, PurePosixPath(sys.argv[0]).stem)


def run(program: Program, work: Callable[[Program], Columns], name: str) -> None:
    """Compute; write the facts as ``facts/NAME.json`` beside the output, and the rows."""
    columns = work(program)
    facts = program.facts | ceilings.facts(program.device)
    say(ceilings.sentence(facts))
    rows.write_facts(program.output, name, facts)
    rows.write(program.output, columns)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Read a program's words; `params` is a JSON object."""
    parser = argparse.ArgumentParser(description="An OpenCL program of a study's stage")
    for name, meaning in (("input", "URI that is read"), ("output", "URI that is written")):
        parser.add_argument(f"--{name}", required=True, help=meaning)
    parser.add_argument("--params", type=json.loads, default={}, help="a JSON object")
    told = parser.parse_args(words)
    if not isinstance(told.params, dict):
        parser.error("--params is no JSON object")
    return told
