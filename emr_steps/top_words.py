r"""The most used words, of all text or of each group: count, then find the top.

    python emr_steps/top_words.py FILE…                            lines of text
    python emr_steps/top_words.py --text text --by party FILE…     lines of JSON

A word is what ``[\w']+`` matches, in lower case. Of words used equally often the first in the
alphabet (by code point) is given.

Input: lines of text; with ``--text COLUMN`` lines of JSON objects that have this column, where
null is no text; with ``--by COLUMN`` words are counted for each value of that column apart.
Output: JSON objects with ``word``, ``count`` and ``rank`` (1 the most used) and, with ``--by``,
that column. ``--top`` words (1 if not given) of each group that has any.
"""

from __future__ import annotations

import heapq
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from mrjob.step import MRStep

from emr_steps.fast import FastJob

WORD = re.compile(r"[\w']+")

#: A count, negative so that the least of these is the most used, and its word.
Rank = list[Any]


class TopWords(FastJob):
    """Count words, then find the most used."""

    def configure_args(self) -> None:
        """Take the columns and how many words are wanted."""
        super().configure_args()
        self.add_passthru_arg("--text", help="column of text, of JSON lines; else plain lines")
        self.add_passthru_arg("--by", help="column of JSON lines to group by")
        self.add_passthru_arg("--top", type=int, default=1, help="words wanted of each group")

    def load_args(self, args: list[str]) -> None:
        """Refuse words that mean nothing."""
        super().load_args(args)
        if self.options.by and not self.options.text:
            self.arg_parser.error("--by needs --text: groups are columns of JSON lines")
        if self.options.top < 1:
            self.arg_parser.error("--top must be at least 1")

    def steps(self) -> list[MRStep]:
        """Two steps: the second's combiner leaves each task's best, all that a reducer needs."""
        return [
            MRStep(
                mapper=self.mapper_count, combiner=self.combiner_add, reducer=self.reducer_ranks
            ),
            MRStep(combiner=self.combiner_best, reducer=self.reducer_rows),
        ]

    def mapper_count(self, _: None, block: str) -> Iterator[tuple[list[Any], int]]:
        """Count the words of a block."""
        for group, texts in self.texts(block).items():
            for word, count in Counter(WORD.findall("\n".join(texts))).items():
                yield [group, word.lower()], count

    def texts(self, block: str) -> dict[Any, list[str]]:
        """The texts of a block by their group."""
        if not self.options.text:
            return {None: [block]}
        found: dict[Any, list[str]] = {}
        for line in block.split("\n"):
            if line.strip():
                row = json.loads(line)
                text = row[self.options.text]
                group = row[self.options.by] if self.options.by else None
                if text is not None:
                    found.setdefault(group, []).append(text)
        return found

    def combiner_add(
        self, key: list[Any], counts: Iterable[int]
    ) -> Iterator[tuple[list[Any], int]]:
        """Add up."""
        yield key, sum(counts)

    def reducer_ranks(self, key: list[Any], counts: Iterable[int]) -> Iterator[tuple[Any, Rank]]:
        """Hand each word of a group to its group."""
        group, word = key
        yield group, [-sum(counts), word]

    def combiner_best(self, group: Any, ranks: Iterable[Rank]) -> Iterator[tuple[Any, Rank]]:
        """Keep as many as can be wanted."""
        for rank in heapq.nsmallest(self.options.top, ranks):
            yield group, rank

    def reducer_rows(
        self, group: Any, ranks: Iterable[Rank]
    ) -> Iterator[tuple[None, dict[str, Any]]]:
        """Give the rows of a group, the most used word first."""
        own = {self.options.by: group} if self.options.by else {}
        for place, (count, word) in enumerate(heapq.nsmallest(self.options.top, ranks), 1):
            yield None, own | {"word": word, "count": -count, "rank": place}


if __name__ == "__main__":
    TopWords.run()
