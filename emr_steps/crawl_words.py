"""How many pages of a web crawl have a word: WARC, WET and WAT files through mrjob.

    ls crawl/*.warc.gz | python emr_steps/crawl_words.py --words internet

Input: a line for each file, its path or URI (``s3://…``), or a JSON object whose one value that
is; what stands before a tab is passed over. Hadoop copies an ``s3://`` file to the node.
Output: JSON objects with ``word``, ``type`` (of the records: response, conversion…), ``pages``
(records searched), ``found`` (those with the word), ``matches`` (how often it is in them).

A page's payload is what the study *crawl* searches (:mod:`studies.crawl.search`): transfer and
content codings are undone, and a word is sought as bytes in any ASCII case. What of a file can't
be read is a counter of group ``crawl`` and a line on standard error, and what follows is read.
A file that isn't there fails the task.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mrjob.job import MRJob
from mrjob.step import MRStep

from emr_steps.fetch import fetched
from headrace.lake import Rejected
from studies.crawl.search import search

#: A word and a type of record; pages, pages with the word, matches.
Key = list[str]
Counts = list[int]
#: Map tasks that Hadoop is asked for: a list of files is too small to be split by its size.
MAPS = 8


class CrawlWords(MRJob):  # type: ignore[misc]  # mrjob has no types
    """Search files, and add up."""

    def configure_args(self) -> None:
        """Take the words."""
        super().configure_args()
        self.add_passthru_arg("--words", default="internet", help="words, with commas between")

    def steps(self) -> list[MRStep]:
        """One step, in more tasks than so short an input would get."""
        return [
            MRStep(
                mapper=self.mapper_search,
                combiner=self.combiner_add,
                reducer=self.reducer_rows,
                jobconf={"mapreduce.job.maps": MAPS},
            )
        ]

    def mapper_search(self, _: None, line: str) -> Iterator[tuple[Key, Counts]]:
        """Search one file for each word."""
        uri = uri_of(line)
        if not uri:
            return
        with fetched(uri) as path:
            for word in self.options.words.split(","):
                yield from self.pages(str(path), uri, word.strip())
        self.increment_counter("crawl", "files")

    def pages(self, path: str, uri: str, word: str) -> Iterator[tuple[Key, Counts]]:
        """Search one file for one word."""
        found: dict[str, Counts] = {}
        for page in search(path, 0, Path(path).stat().st_size, word):
            if isinstance(page, Rejected):
                self.increment_counter("crawl", f"could not be read, searching for {word}")
                self.stderr.write(f"{uri}: {page.reason}\n".encode())
                continue
            counts = found.setdefault(page["type"], [0, 0, 0])
            counts[0] += 1
            counts[1] += page["matches"] > 0
            counts[2] += page["matches"]
        for kind, counts in found.items():
            yield [word, kind], counts

    def combiner_add(self, key: Key, counts: Iterable[Counts]) -> Iterator[tuple[Key, Counts]]:
        """Add up."""
        yield key, [sum(column) for column in zip(*counts, strict=True)]

    def reducer_rows(
        self, key: Key, counts: Iterable[Counts]
    ) -> Iterator[tuple[None, dict[str, Any]]]:
        """Give a row for each word and type."""
        pages, found, matches = (sum(column) for column in zip(*counts, strict=True))
        row = {"word": key[0], "type": key[1]}
        yield None, row | {"pages": pages, "found": found, "matches": matches}


def uri_of(line: str) -> str:
    """The file that a line of input names."""
    told = line.rpartition("\t")[2].strip()
    if told.startswith("{"):
        (told,) = json.loads(told).values()
    return told


if __name__ == "__main__":
    CrawlWords.run()
