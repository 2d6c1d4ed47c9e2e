"""The word that is used most: the notes' job of two steps.

    python examples/mapreduce/most_used_word.py FILE…

As printed it lacked its class, its `import`s and `steps()`, and said ``WORD RE`` and ``vield``.
max() compares pairs by their first part, so the count goes first; of words that are used
equally often it takes the last in the alphabet.
"""

import re

from mrjob.job import MRJob
from mrjob.step import MRStep

WORD_RE = re.compile(r"[\w']+")


class MRMostUsedWord(MRJob):
    """Count words, then find the largest count."""

    def steps(self):
        """What one step gives is the next one's input."""
        return [
            MRStep(
                mapper=self.mapper_get_words,
                combiner=self.combiner_count_words,
                reducer=self.reducer_count_words,
            ),
            MRStep(reducer=self.reducer_find_max_word),
        ]

    def mapper_get_words(self, _, line):
        """Give each word of a line once for each use."""
        for word in WORD_RE.findall(line):
            yield word.lower(), 1

    def combiner_count_words(self, word, counts):
        """Add up what one task has."""
        yield word, sum(counts)

    def reducer_count_words(self, word, counts):
        """Send all pairs to one key, so that one reducer sees them all."""
        yield None, (sum(counts), word)

    def reducer_find_max_word(self, _, word_count_pairs):
        """Give the count as the key, the word as the value."""
        yield max(word_count_pairs)


if __name__ == "__main__":
    MRMostUsedWord.run()
