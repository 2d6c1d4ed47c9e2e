"""Words and figures of a paragraph, and how text, Markdown and LaTeX write them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A name or a checksum, set in type of its own."""

    text: str


@dataclass(frozen=True)
class Quote:
    """What somebody or something else said, in quotation marks."""

    text: str


#: A sentence in pieces.
Piece = str | Code | Quote
Sentence = Sequence[Piece]
Paragraph = Sequence[Sentence]

_LATEX: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{c: f"\\{c}" for c in "&%$#_"},
    "`": r"\textasciigrave{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
}


def latex(text: str) -> str:
    """Text with LaTeX's own characters escaped."""
    return "".join(_LATEX.get(c, c) for c in text)


def markdown(text: str) -> str:
    """Text with Markdown's own characters escaped."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", text)


def _fenced(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


#: Format to how it writes plain words, code and quotations.
_WRITE: Mapping[str, tuple[Callable[[str], str], Callable[[str], str], Callable[[str], str]]] = {
    "text": (str, str, lambda text: f"“{text}”"),
    "markdown": (markdown, _fenced, lambda text: f"“{markdown(text)}”"),
    "latex": (
        latex,
        lambda text: rf"\texttt{{{latex(text)}}}",
        lambda text: f"``{latex(text)}''",
    ),
}
FORMATS = tuple(_WRITE)


def write(paragraphs: Sequence[Paragraph], kind: str) -> str:
    """Write paragraphs, a blank line between them.

    Parameters
    ----------
    paragraphs : sequence
    kind : {"text", "markdown", "latex"}
    """
    plain, code, quote = _WRITE[kind]

    def piece(part: Piece) -> str:
        if isinstance(part, Code):
            return code(part.text)
        return quote(one_line(part.text)) if isinstance(part, Quote) else plain(part)

    sentences = (("".join(map(piece, s)) for s in paragraph) for paragraph in paragraphs)
    return "\n\n".join(" ".join(parts) for parts in sentences) + "\n"


def one_line(text: str, most: int = 160) -> str:
    """Text in one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def count(n: int, one: str, many: str | None = None) -> str:
    """A number and what it counts: `1 item`, `1,000 items`, `no item`."""
    if n == 0:
        return f"no {one}"
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """A share in per cent, never rounded to none or all."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    for digits in (1, 2, 3):
        shown = f"{percent:.{digits}f}"
        if (float(shown) > 0 or not part) and (float(shown) < 100 or part == whole):
            return f"{shown} %"
    return "less than 0.001 %" if percent < 50 else "more than 99.999 %"


def joined(parts: Sequence[Sentence]) -> list[Piece]:
    """Parts as a list in words: `a`, `a and b`, `a, b and c`."""
    told: list[Piece] = []
    for place, part in enumerate(parts):
        if place:
            told.append(" and " if place == len(parts) - 1 else ", ")
        told += part
    return told


def day(when: datetime.datetime) -> str:
    """A day in words, in UTC: `22 November 2026`."""
    utc = when.astimezone(datetime.UTC)
    months = "January February March April May June July August September October November December"
    return f"{utc.day} {months.split()[utc.month - 1]} {utc.year}"


def clock(when: datetime.datetime, seconds: bool = False) -> str:
    """An hour in UTC: `10:04`, or `10:04:09`."""
    return when.astimezone(datetime.UTC).strftime("%H:%M:%S" if seconds else "%H:%M")
