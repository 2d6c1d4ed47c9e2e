"""Counts words as courses teach it: mrjob and nothing else."""

import re
from collections.abc import Iterable, Iterator

from mrjob.job import MRJob

WORD = re.compile(r"[\w']+")


class CountWords(MRJob):  # type: ignore[misc]  # mrjob has no types
    """Count words."""

    def mapper(self, _: None, line: str) -> Iterator[tuple[str, int]]:
        """Give each word of a line once for each use."""
        for word in WORD.findall(line):
            yield word.lower(), 1

    def combiner(self, word: str, counts: Iterable[int]) -> Iterator[tuple[str, int]]:
        """Add up what a task has."""
        yield word, sum(counts)

    def reducer(self, word: str, counts: Iterable[int]) -> Iterator[tuple[str, int]]:
        """Add up what all tasks have."""
        yield word, sum(counts)


if __name__ == "__main__":
    CountWords.run()
