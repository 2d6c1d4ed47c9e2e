"""Calls a study's function on one item, the same way in the child and in a unit test."""

from __future__ import annotations

import importlib
import inspect
import json
import random
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from headrace.lake import Column
from lambdas.map.rows import Given, RowError, Rows

_OURS = Path(__file__).parent


@dataclass(frozen=True)
class Failure:
    """Why an item gave nothing.

    Parameters
    ----------
    reason : str
        The last line of the traceback, and the function's own line.
    kind : str
        The exception's type, or ``hang``, ``exit``, ``memory``.
    traceback : str
        All of it.
    """

    reason: str
    kind: str
    traceback: str = ""


class Call:
    """A study's function, ready for items.

    Parameters
    ----------
    name : str
        ``package.module:function``.
    columns : sequence of (name, Iceberg type, required)
        Of the stage's table.
    params : mapping
        The function's second argument, where it takes two.
    seed : int
        The study's.

    Raises
    ------
    ImportError, AttributeError
        Where the function isn't there; or whatever its module raises.
    """

    def __init__(
        self, name: str, columns: Sequence[Column], params: Mapping[str, Any], seed: int
    ) -> None:
        module, _, attribute = name.partition(":")
        self._function: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
        self._file = getattr(sys.modules[module], "__file__", None)
        self._rows = Rows(columns)
        self._params = json.dumps(dict(params)) if _takes_two(self._function) else None
        self._seed = seed

    def on(self, number: int, item: dict[str, Any]) -> Given | Failure:
        """Call it on item `number`."""
        self._sow(number)
        try:
            # Made anew each time: a function may change what it is given.
            more = () if self._params is None else (json.loads(self._params),)
            return self._rows.read(self._function(item, *more))
        except RowError as error:
            return Failure(str(error), "RowError", f"{error}\n")
        except Exception as error:  # anything at all may come out of a user's code
            return self.failure(error)

    def _sow(self, number: int) -> None:
        """Seed by item, so that numbers don't depend on which items went before."""
        random.seed(f"{self._seed}:{number}")
        numpy = sys.modules.get("numpy.random")
        if numpy is not None and hasattr(numpy, "seed"):
            words = (self._seed, number)
            numpy.seed([n >> shift & 0xFFFFFFFF for n in words for shift in (0, 32)])

    def failure(self, error: BaseException) -> Failure:
        """What an exception says."""
        said = last_line(error)
        where = _place(error.__traceback__, self._file)
        return Failure(f"{said}{where}", type(error).__name__, whole(error))


def last_line(error: BaseException) -> str:
    """The last line of an exception's traceback."""
    text = "".join(traceback.format_exception_only(error)).strip()
    return text.splitlines()[-1][:500] if text else type(error).__name__


def whole(error: BaseException) -> str:
    """An exception's traceback, without our own frames before the function's."""
    found = error.__traceback__
    while found and found.tb_next and Path(found.tb_frame.f_code.co_filename).parent == _OURS:
        found = found.tb_next
    return "".join(traceback.format_exception(type(error), error, found))


def _place(found: TracebackType | None, file: str | None) -> str:
    """The innermost line of the study's own module."""
    frames = [f for f in traceback.extract_tb(found) if f.filename == file]
    if not frames:
        return ""
    name = "/".join(frames[-1].filename.replace("\\", "/").split("/")[-3:])
    return f" ({name}, line {frames[-1].lineno}, in {frames[-1].name})"


def _takes_two(function: Callable[..., Any]) -> bool:
    """Whether a function takes the parameters too."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # one that is written in C
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional for p in parameters) >= 2
