"""Small jobs, a use of mrjob each; ``--job NAME`` says which one a task runs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from mrjob.job import MRJob
from mrjob.protocol import (
    BytesValueProtocol,
    JSONValueProtocol,
    PickleProtocol,
    RawProtocol,
    ReprProtocol,
)
from mrjob.step import MRStep

WORD = re.compile(r"[\w']+")
Pairs = Iterator[tuple[Any, Any]]


class Base(MRJob):  # type: ignore[misc]  # mrjob has no types
    """Knows `--job`, which is for this file alone."""

    def configure_args(self) -> None:
        super().configure_args()
        self.add_passthru_arg("--job")


class Words(Base):
    """A word and its uses."""

    def mapper(self, _: None, line: str) -> Pairs:
        for word in WORD.findall(line):
            yield word.lower(), 1

    def add(self, key: Any, values: Iterable[Any]) -> Pairs:
        yield key, sum(values)

    combiner: Any = add
    reducer: Any = add


class NoCombiner(Words):
    """As many lines as uses."""

    combiner: Any = None


class OddKeys(Words):
    """Keys that a dict takes for one another and JSON doesn't, and the other way about."""

    def mapper(self, _: None, line: str) -> Pairs:
        for n, word in enumerate(WORD.findall(line)):
            for key in (1, 1.5, "1", None, (word, n), [word, n], {"a": word}, True, "true", -0.0):
                yield key, len(word)


class NoReducer(Words):
    """A mapper that nothing follows."""

    combiner: Any = None

    reducer: Any = None


class TupleValues(Base):
    """A mean: what a combiner gets has been through JSON, so pairs are lists."""

    def mapper(self, _: None, line: str) -> Pairs:
        for word in WORD.findall(line):
            yield word[0], (len(word), 1, {1: word})

    def combiner(self, key: str, values: Iterable[Any]) -> Pairs:
        found = list(values)
        assert all(isinstance(v, list) and "1" in v[2] for v in found)
        yield key, (sum(v[0] for v in found), sum(v[1] for v in found), {1: ""})

    def reducer(self, key: str, values: Iterable[Any]) -> Pairs:
        found = list(values)
        yield key, sum(v[0] for v in found) / sum(v[1] for v in found)


class ChangedBehind(Base):
    """A mapper that goes on changing what it gave."""

    def mapper(self, _: None, line: str) -> Pairs:
        seen: list[str] = []
        for word in WORD.findall(line):
            seen.append(word)
            yield word, seen

    def combiner(self, key: str, values: Iterable[Any]) -> Pairs:
        yield key, sorted(word for value in values for word in value)

    reducer = combiner


class Hooks(Base):
    """Every `_init` and `_final`; mapper and combiner use one attribute for two things."""

    def mapper_init(self) -> None:
        self.seen: Any = []

    def mapper(self, _: None, line: str) -> Pairs:
        self.seen += WORD.findall(line)
        yield from ()

    def mapper_final(self) -> Pairs:
        for word in self.seen:
            yield word, 1

    def combiner_init(self) -> None:
        self.seen = 0

    def combiner(self, key: str, values: Iterable[int]) -> Pairs:
        self.seen += 1
        yield key, sum(values)

    def combiner_final(self) -> Pairs:
        yield "combined", 0 * self.seen

    def reducer_init(self) -> Pairs:
        yield "begun", 0

    def reducer(self, key: str, values: Iterable[int]) -> Pairs:
        yield key, sum(values)

    def reducer_final(self) -> Pairs:
        yield "ended", 0


class Steps(Base):
    """Two steps, the second without a mapper of its own."""

    def steps(self) -> list[MRStep]:
        return [
            MRStep(mapper=self.words, combiner=self.add, reducer=self.by_letter),
            MRStep(reducer=self.largest),
        ]

    def words(self, _: None, line: str) -> Pairs:
        for word in WORD.findall(line):
            yield word, 1

    def add(self, key: str, values: Iterable[int]) -> Pairs:
        yield key, sum(values)

    def by_letter(self, key: str, values: Iterable[int]) -> Pairs:
        yield None if key == "cat" else key[0], sum(values)

    def largest(self, key: Any, values: Iterable[int]) -> Pairs:
        yield key, max(values)


class Unread(Base):
    """A reducer that leaves values unread."""

    def mapper(self, _: None, line: str) -> Pairs:
        for word in WORD.findall(line):
            yield len(word), word

    def reducer(self, key: int, values: Iterable[str]) -> Pairs:
        yield key, len(next(iter(values)))


class Sorted(Base):
    """Values in order, through a combiner."""

    SORT_VALUES = True

    def mapper(self, _: None, line: str) -> Pairs:
        for word in WORD.findall(line):
            yield word[0], word

    def combiner(self, key: str, values: Iterable[str]) -> Pairs:
        for value in values:
            yield key, value

    def reducer(self, key: str, values: Iterable[str]) -> Pairs:
        yield key, list(values)


class Raw1(Words):
    """Text with a tab between."""

    INTERNAL_PROTOCOL = RawProtocol
    OUTPUT_PROTOCOL = RawProtocol

    def mapper(self, _: None, line: str) -> Pairs:
        for word in WORD.findall(line):
            yield word, "1"

    def add(self, key: str, values: Iterable[str]) -> Pairs:
        yield key, str(sum(map(int, values)))

    combiner: Any = add
    reducer: Any = add


class Pickled(Words):
    """Keys that no JSON has."""

    INTERNAL_PROTOCOL = PickleProtocol
    OUTPUT_PROTOCOL = ReprProtocol


class ValuesOnly(Words):
    """Output without keys, from bytes."""

    INPUT_PROTOCOL = BytesValueProtocol
    OUTPUT_PROTOCOL = JSONValueProtocol

    def mapper(self, _: None, line: Any) -> Pairs:
        yield len(line), 1


class OwnLoop(Words):
    """A class with a loop of its own."""

    def map_pairs(self, pairs: Any, step_num: int = 0) -> Pairs:
        for key, value in super().map_pairs(pairs, step_num):
            yield key + "!", value


class Filtered(Base):
    """Input through a shell's filter."""

    def mapper_pre_filter(self) -> str:
        return "grep cat"

    def mapper(self, _: None, line: str) -> Pairs:
        yield line, 1


class Command(Base):
    """A mapper that is a program."""

    def mapper_cmd(self) -> str:
        return "grep 'cat$'"


class Passthrough(Words):
    """An argument of its own."""

    def configure_args(self) -> None:
        super().configure_args()
        self.add_passthru_arg("--least", type=int, default=1)

    def reducer(self, key: str, values: Iterable[int]) -> Pairs:
        total = sum(values)
        if total >= self.options.least:
            yield key, total


class Counting(Base):
    """Counters and a status."""

    def mapper_init(self) -> None:
        self.set_status("reading")

    def mapper(self, _: None, line: str) -> Pairs:
        self.increment_counter("text", "lines")
        yield line, 1


class Raw(Base):
    """Files as they are, named by one that lies beside the job."""

    FILES = ["mapreduce_path.py#beside.py"]

    def mapper_raw(self, path: str, uri: str) -> Pairs:
        assert os.path.exists("beside.py")
        with open(path, "rb") as file:
            yield os.path.basename(uri), len(file.read())


class Failing(Base):
    """Ends in the middle."""

    def mapper(self, _: None, line: str) -> Pairs:
        if "cat" in line:
            raise ValueError("no cats here")
        yield line, 1


NAMES = [
    "Words",
    "NoCombiner",
    "OddKeys",
    "NoReducer",
    "TupleValues",
    "ChangedBehind",
    "Hooks",
    "Steps",
    "Unread",
    "Sorted",
    "Raw1",
    "Pickled",
    "ValuesOnly",
    "OwnLoop",
    "Passthrough",
    "Counting",
]

if __name__ == "__main__":
    globals()[sys.argv[sys.argv.index("--job") + 1]].run()
