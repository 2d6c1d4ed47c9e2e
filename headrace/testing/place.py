"""A place for one call of a program: a folder of its own, its environment, its words."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path

from headrace.job_steps import ROOT


@contextmanager
def place(
    environment: Mapping[str, str | None], imports_from: Path, words: list[str]
) -> Iterator[Path]:
    """Work in an empty folder; everything is as it was afterwards.

    Parameters
    ----------
    environment : mapping
        Variables; None takes one away.
    imports_from : Path
        What Python looks into first, as if a file there had been started.
    words : list of str
        The command line.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headrace-stage-")))
        stack.enter_context(chdir(folder))
        stack.enter_context(_variables(environment))
        stack.enter_context(_words(imports_from, words))
        yield folder


@contextmanager
def _variables(given: Mapping[str, str | None]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in given}
    _set(given)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def _words(imports_from: Path, words: list[str]) -> Iterator[None]:
    path, argv = list(sys.path), sys.argv
    sys.path[:0] = [str(imports_from), str(ROOT)]
    sys.argv = words
    try:
        yield
    finally:
        sys.path[:], sys.argv = path, argv
