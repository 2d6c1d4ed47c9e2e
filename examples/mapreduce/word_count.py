"""How often each word is used: the notes' first mrjob script, with its combiner.

    python examples/mapreduce/word_count.py FILE…

As printed it never called ``run()``, so starting it did nothing.
"""

import re

from mrjob.job import MRJob

WORD_RE = re.compile(r"[\w']+")


class MRWordFreqCount(MRJob):
    """Count words."""

    def mapper(self, _, line):
        """Give each word of a line once for each use."""
        for word in WORD_RE.findall(line):
            yield word.lower(), 1

    def combiner(self, word, counts):
        """Add up what one task has: less goes through the network."""
        yield word, sum(counts)

    def reducer(self, word, counts):
        """Add up what all tasks have."""
        yield word, sum(counts)


if __name__ == "__main__":
    MRWordFreqCount.run()
