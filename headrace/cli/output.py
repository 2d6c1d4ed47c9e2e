"""What the tool prints: facts on standard output, messages and progress on standard error."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

#: Where nobody watches a terminal, a line this often says how far it is.
PLAIN_LINES_S = 5.0


class Bar:
    """How far a piece of work is.

    Parameters
    ----------
    show : callable
        Given done, total (None where unknown) and what is worked on now.
    """

    def __init__(self, show: Callable[[float, float | None, str], None]) -> None:
        self._show = show

    def update(self, done: float, total: float | None = None, now: str = "") -> None:
        """Say how far it is."""
        self._show(done, total, now)


class Output:
    """Where a verb says what it found.

    Parameters
    ----------
    as_json : bool
        Facts as one JSON document.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)
        self.out = Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """A message, on standard error."""
        self.err.print(text, markup=False)

    def facts(self, document: dict[str, Any], show: Callable[[], None]) -> None:
        """What a verb found: the document where JSON is wanted, else what `show` prints."""
        if self.as_json:
            click.echo(json.dumps(document, indent=2, default=str, ensure_ascii=False))
        else:
            show()

    def table(self, columns: list[str], rows: list[list[str]], right: tuple[int, ...] = ()) -> None:
        """Print a table of texts, the columns of `right` aligned to the right.

        A terminal gets long texts folded to its width, anything else each row in one line.
        """
        table = Table(box=None, pad_edge=False, header_style="bold")
        for place, name in enumerate(columns):
            table.add_column(
                Text(name), justify="right" if place in right else "left", overflow="fold"
            )
        for row in rows:
            table.add_row(*map(Text, row))
        wide = [max(map(len, texts)) + 2 for texts in zip(columns, *rows, strict=True)]
        width = self.out.width if self.out.is_terminal else sum(wide)
        Console(highlight=False, width=width).print(table)

    @contextlib.contextmanager
    def progress(self, what: str) -> Iterator[Bar]:
        """Show a bar while a piece of work lasts; plain lines where there is no terminal."""
        if not self.err.is_terminal:
            yield Bar(self._lines(what))
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", style="dim", markup=False),
        )
        with Progress(*columns, console=self.err, transient=True) as progress:
            task = progress.add_task(what, total=None, now="")

            def show(done: float, total: float | None, now: str) -> None:
                progress.update(task, completed=done, total=total, now=now[:60])

            yield Bar(show)

    def _lines(self, what: str) -> Callable[[float, float | None, str], None]:
        said_at, said = time.monotonic(), ""

        def show(done: float, total: float | None, now: str) -> None:
            nonlocal said_at, said
            of = f" of {total:,.0f}" if total else ""
            line = f"{what}: {done:,.0f}{of} {now}".rstrip()
            if line != said and time.monotonic() - said_at >= PLAIN_LINES_S:
                said_at, said = time.monotonic(), line
                self.say(line)

        return show
