"""Finds the line that says why a command failed: EMR's FailureDetails has one."""

from __future__ import annotations

import re
from pathlib import Path

TAIL = 1 << 18
LONGEST = 1000

OUT_OF_MEMORY = re.compile(r"java\.lang\.OutOfMemoryError(: [\w ]+)?")
HADOOP = re.compile(r"ERROR (?:\S+\.)?(?:Streaming|Stream)Job: (?:Error Launching job : )?(.+)")
JAVA = re.compile(r'^Exception in thread "[^"]+" (.+)')


def tail(path: Path) -> str:
    """Read the end of a log, where there is one."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        return file.read().decode(errors="replace")


def first_useful(*texts: str) -> str:
    """Give the line that tells most.

    Memory that ran out comes first, since what follows from it is told last; then Python's last
    traceback, Hadoop's error, Java's exception; else the last line of the first text.
    """
    plain = (lines[-1].strip()[:LONGEST] for lines in map(_lines, texts) if lines)
    return error(*texts) or next(plain, "")


def error(*texts: str) -> str:
    """Give the line that tells of an error most, as `first_useful`; empty where none does."""
    every = [_lines(text) for text in texts]
    for rule in (_memory, _after_traceback, _hadoop, _java):
        for lines in every:
            if told := rule(lines):
                return told.strip()[:LONGEST]
    return ""


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _memory(lines: list[str]) -> str:
    return next((found[0] for line in lines if (found := OUT_OF_MEMORY.search(line))), "")


def _after_traceback(lines: list[str]) -> str:
    starts = [i for i, line in enumerate(lines) if line.startswith("Traceback (most recent")]
    after = [line for line in lines[starts[-1] + 1 :] if line[0] not in " \t"] if starts else []
    if len(after) > 1 and after[1].startswith(": "):  # py4j's, with Java's own beneath
        return after[0].rstrip(".") + after[1]
    return after[0] if after else ""


def _hadoop(lines: list[str]) -> str:
    return _matching(HADOOP, lines)


def _java(lines: list[str]) -> str:
    return _matching(JAVA, lines)


def _matching(pattern: re.Pattern[str], lines: list[str]) -> str:
    return next((found[1] for line in reversed(lines) if (found := pattern.search(line))), "")
