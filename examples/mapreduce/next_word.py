"""What follows a word, and in which share of its uses.

    python examples/mapreduce/next_word.py FILE…

Gives ``[word, next]`` and ``[percent, uses of both, uses of the word]``. Each pair is counted
under its first word twice: as itself, and under ``"*"``, which stands for all that follow; by
SORT_VALUES ``"*"`` comes before every word, so a reducer knows the sum before it needs it.

There is no combiner: under ``-r emr`` Hadoop sorts what combiners give by the key alone, so a
reducer's values are then not sorted, and shares come out wrong without an error.
"""

import itertools
import re

from mrjob.job import MRJob

WORD_RE = re.compile(r"[\w']+")
ALL = "*"  # sorts before letters, digits, _ and '... but not before ': words begin with none


class MRNextWordStats(MRJob):
    """For each word, the words that follow it."""

    SORT_VALUES = True

    def mapper(self, _, line):
        """Give each word with its next one, and with the sign for all."""
        words = [word for word in (w.strip("'") for w in WORD_RE.findall(line.lower())) if word]
        for word, following in itertools.pairwise(words):
            yield word, (ALL, 1)
            yield word, (following, 1)

    def reducer(self, word, counts):
        """Give the share of each next word."""
        total = 0
        for following, uses in _summed(counts):
            if following == ALL:
                total = uses
            else:
                yield (word, following), (100 * uses / total, uses, total)


def _summed(counts):
    for following, group in itertools.groupby(counts, key=lambda pair: pair[0]):
        yield following, sum(uses for _, uses in group)


if __name__ == "__main__":
    MRNextWordStats.run()
