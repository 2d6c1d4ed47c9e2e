"""Counts words with the fast base: blocks of lines, and mrjob's mapper, combiner, reducer."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from emr_steps.fast import FastJob

WORD = re.compile(r"[\w']+")


class CountWords(FastJob):
    """Count words."""

    def mapper(self, _: None, block: str) -> Iterator[tuple[str, int]]:
        """Count the words of a block."""
        yield from Counter(WORD.findall(block.lower())).items()

    def combiner(self, word: str, counts: Iterable[int]) -> Iterator[tuple[str, int]]:
        """Add up what a task has."""
        yield word, sum(counts)

    def reducer(self, word: str, counts: Iterable[int]) -> Iterator[tuple[str, int]]:
        """Add up what all tasks have."""
        yield word, sum(counts)


if __name__ == "__main__":
    CountWords.run()
