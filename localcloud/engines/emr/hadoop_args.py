"""Reads the arguments of hadoop-streaming, and puts our task in front of what they run.

The options are those of Hadoop's StreamJob and GenericOptionsParser (3.3.4); ``-file`` becomes
``-files``, which says the same, since the local job runner has no job jar to ship it in.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.engines.emr.node_work import CommandError

GENERIC = ("-D", "-conf", "-files", "-libjars", "-archives")
FLAGS = ("-verbose", "-debug", "-info", "-help", "-background", "-lazyOutput")
COMMANDS = ("-mapper", "-combiner", "-reducer")
#: Streaming's own words for a reducer: none, and the aggregating library.
OWN = ("NONE", "aggregate")
EXIT_COUNTS = "stream.non.zero.exit.is.failure"
#: What the local job runner would ignore in silence.
UNKNOWN = {
    "mapreduce.map.failures.maxpercent": "0",
    "mapreduce.reduce.failures.maxpercent": "0",
    "mapred.max.map.failures.percent": "0",
    "mapred.max.reduce.failures.percent": "0",
}
CLASS = re.compile(r"[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*")


@dataclass
class Arguments:
    """A streaming job's arguments.

    Parameters
    ----------
    generic, streaming : list of (option, value)
        As given; a flag's value is None.
    """

    generic: list[tuple[str, str]] = field(default_factory=list)
    streaming: list[tuple[str, str | None]] = field(default_factory=list)

    def property(self, name: str, default: str) -> str:
        """Look up a property that the job sets itself; the last one counts."""
        found = default
        for option, value in self.generic:
            key, _, text = value.partition("=")
            if option == "-D" and key.strip() == name:
                found = text.strip()
        return found

    def words(self, task: str, is_class: Classes) -> list[str]:
        """Give the arguments for HadoopStreaming, with `task` before each command."""
        told = [word for pair in self.generic for word in pair]
        for option, value in self.streaming:
            told.append(option)
            if value is None:
                continue
            ours = option in COMMANDS and value not in OWN and not is_class(value)
            told.append(f"{task} {option[1:]} {value}" if ours else value)
        return told


class Classes:
    """Tells the name of a Java class from a program's, as streaming does: by looking for it."""

    def __init__(self, jars: Sequence[Path]) -> None:
        self._jars = list(jars)

    def __call__(self, name: str) -> bool:
        """Whether the jars have it, as it is or within streaming's own package."""
        if not CLASS.fullmatch(name):
            return False
        inside = name.replace(".", "/") + ".class"
        wanted = {inside, f"org/apache/hadoop/streaming/{inside}"}
        return any(self._has(jar, wanted) for jar in self._jars)

    @staticmethod
    def _has(jar: Path, wanted: set[str]) -> bool:
        with zipfile.ZipFile(jar) as archive:
            return not wanted.isdisjoint(archive.NameToInfo)


def parse(words: Sequence[str]) -> Arguments:
    """Read arguments.

    Raises
    ------
    CommandError
        Where an option lacks its value, or can't be honoured here.
    """
    read, todo = Arguments(), list(words)
    files: list[str] = []
    while todo:
        word = todo.pop(0)
        word = f"-{word[2:]}" if word.startswith("--") else word
        if word.startswith("-D") and len(word) > 2:
            word, todo = "-D", [word[2:], *todo]
        if word in FLAGS:
            read.streaming.append((word, None))
            continue
        if not todo:
            raise CommandError(f"Missing argument for option: {word.lstrip('-')}")
        _take(read, files, word, todo.pop(0))
    if files:
        read.generic.append(("-files", ",".join(files)))
    _check(read)
    return read


def _take(read: Arguments, files: list[str], option: str, value: str) -> None:
    if option in ("-fs", "-jt"):
        raise CommandError(
            f"While reading hadoop-streaming's arguments, found {option} {value}. "
            "This cluster is the only one. Leave it out."
        )
    if option in ("-file", "-files"):
        files.append(value)
    elif option == "-jobconf":  # streaming's old word for -D
        read.generic.append(("-D", value))
    elif option in GENERIC:
        read.generic.append((option, value))
    else:
        read.streaming.append((option, value))


def _check(read: Arguments) -> None:
    for name, harmless in UNKNOWN.items():
        value = read.property(name, harmless)
        if value != harmless:
            raise CommandError(
                f"While reading hadoop-streaming's arguments, found {name}={value}. Hadoop's "
                f"local job runner fails the job at the first failed task. Set it to {harmless}."
            )
