"""Shows a run while it goes: one line a stage, live on a terminal, else a line at each change."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from headrace.board import Board, Stage, error_line
from headrace.cli.output import PLAIN_LINES_S, Output
from headrace.follow import Told

STYLES = {
    "queued": "dim",
    "running": "cyan",
    "done": "green",
    "passed over": "dim",
    "failed": "bold red",
    "not begun": "dim",
    "stopped": "yellow",
}
CLUSTER_STYLES = {"running": "cyan", "terminated": "green", "failed": "bold red", "left": "yellow"}
MARKS = {"done": "✓", "failed": "✗", "passed over": "–", "stopped": "■"}  # noqa: RUF001

Clock = Callable[[], datetime.datetime]
Progresses = Mapping[str, Told]


def now() -> datetime.datetime:
    """The time, with its zone."""
    return datetime.datetime.now(datetime.UTC)


def words(board: Board, stage: Stage, progress: Told | None = None) -> str:
    """What there is to say of a stage beside its state: why, how far, what it gave, its error."""
    if stage.state == "queued":
        return board.why_queued(stage)
    if stage.state == "running":
        told = [f"{stage.step} {progress.words()}" if progress else stage.step]
        return ", ".join([*told, *([stage.why] if stage.why else [])])
    if stage.state == "done" and stage.rows is not None:
        lost = f", {stage.quarantined:,} quarantined" if stage.quarantined else ""
        return f"{stage.rows:,} rows{lost}"
    if stage.failure is not None:
        return f"{stage.failure.step}: {error_line(stage.failure)}"
    return stage.why


def spent(stage: Stage, at: datetime.datetime) -> str:
    """Seconds that a stage took so far, in print."""
    return _time(stage.seconds(at))


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


class LiveBoard:
    """Shows boards as they come.

    Parameters
    ----------
    out : Output
        Its standard error is where it is shown.
    clock : callable
        Gives the time.
    """

    def __init__(self, out: Output, clock: Clock = now) -> None:
        self._console: Console = out.err
        self._clock = clock
        self._live: Live | None = None
        self._said: dict[str, tuple[str, str, datetime.datetime]] = {}
        self._spinner = Spinner("dots")
        self._shown: tuple[Board, Progresses] | None = None
        self._cluster = ""

    def __enter__(self) -> LiveBoard:
        if self._console.is_terminal:
            self._live = Live(
                console=self._console,
                refresh_per_second=4,
                transient=True,
                get_renderable=self._table,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, board: Board, progress: Progresses) -> None:
        """Show what a turn found."""
        self._shown = board, progress
        if self._live is None:
            for line in self._changes(board, progress):
                self._console.print(line, markup=False)

    def _changes(self, board: Board, progress: Progresses) -> Iterator[str]:
        """Lines for the stages that aren't what they were."""
        at = self._clock()
        if (cluster := board.cluster) is not None and cluster.state != "queued":
            said = f"{cluster.state:<12} {cluster.words()}".rstrip()
            if self._cluster != said:
                self._cluster = said
                yield f"{'(cluster)':<20} {said}"
        for stage in board.stages.values():
            said = f"{stage.state:<12} {words(board, stage, progress.get(stage.name))}".rstrip()
            was, step, when = self._said.get(stage.name, ("", "", at))
            soon = (at - when).total_seconds() < PLAIN_LINES_S
            now_at = f"{stage.state} {stage.step}"
            if said == was or (now_at == step and soon):
                continue
            self._said[stage.name] = said, now_at, at
            took = spent(stage, at) if stage.ended else ""
            yield f"{stage.name:<20} {said}" + (f"  ({took})" if took else "")

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for justify in ("left", "left", "left", "right", "left"):
            table.add_column(justify=justify, no_wrap=True, overflow="ellipsis")
        if self._shown is not None:
            board, progress = self._shown
            for stage in board.stages.values():
                style = STYLES[stage.state]
                running = stage.state == "running"
                table.add_row(
                    self._spinner if running else Text(MARKS.get(stage.state, "·"), style),
                    Text(stage.name),
                    Text(stage.state, style),
                    Text(spent(stage, self._clock())),
                    Text(words(board, stage, progress.get(stage.name)), "dim"),
                )
            if (cluster := board.cluster) is not None:
                moving = cluster.state in ("creating", "ending")
                table.add_row(
                    self._spinner if moving else Text("·", "dim"),
                    Text("(cluster)", "dim"),
                    Text(cluster.state, CLUSTER_STYLES.get(cluster.state, "dim")),
                    Text(_time(cluster.seconds(self._clock()))),
                    Text(cluster.words(), "dim"),
                )
        return table


def final_rows(board: Board, at: datetime.datetime) -> list[list[str]]:
    """The stages of a run as rows of a table, and its cluster."""
    stages = [
        [
            stage.name,
            stage.state,
            "" if stage.rows is None else f"{stage.rows:,}",
            "" if stage.quarantined is None else f"{stage.quarantined:,}",
            spent(stage, at),
            words(board, stage) if stage.state not in ("done", "failed") else "",
        ]
        for stage in board.stages.values()
    ]
    if (cluster := board.cluster) is None:
        return stages
    words_ = cluster.words()
    return [*stages, ["(cluster)", cluster.state, "", "", _time(cluster.seconds(at)), words_]]


FINAL = ["stage", "state", "rows", "quarantined", "time", ""]
FINAL_RIGHT = (2, 3, 4)
