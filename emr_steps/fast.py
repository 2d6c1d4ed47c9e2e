"""mrjob's API without its cost: the base class of jobs that are to be quick.

    class CountWords(FastJob):
        def mapper(self, _, block):                       # 4 MiB of whole lines
            for word, n in Counter(WORD.findall(block)).items():
                yield word.lower(), n

        def combiner(self, word, counts):                 # is called within the mapper's task
            yield word, sum(counts)

        def reducer(self, word, counts):
            yield word, sum(counts)

It differs from MRJob in this alone: the mapper of the first step, where it reads text
(``INPUT_PROTOCOL`` is mrjob's ``RawValueProtocol``, as if nothing is said), gets a block of
lines, each with its end, instead of a line. ``BLOCKS = False`` gives lines again. It runs under
``-r inline``, ``-r local``, ``-r emr`` and in a MapReduce stage alike.
"""

from __future__ import annotations

from typing import Any

from mrjob.job import MRJob

from emr_steps import tasks
from emr_steps.json_pairs import CompactJSONProtocol


class FastJob(MRJob):  # type: ignore[misc]  # mrjob has no types
    """A job whose tasks run in Headrace's loops under every runner."""

    INTERNAL_PROTOCOL = CompactJSONProtocol

    #: Whether the first step's mapper gets blocks of lines.
    BLOCKS = True

    def run_mapper(self, step_num: int = 0) -> None:
        """Run a step's mapper, combining what it gives."""
        tasks.run_mapper(self, step_num, by_block=self.BLOCKS and step_num == 0)

    def run_combiner(self, step_num: int = 0) -> None:
        """Run a step's combiner by itself, where a runner asks for that."""
        tasks.run_combiner(self, step_num)

    def run_reducer(self, step_num: int = 0) -> None:
        """Run a step's reducer."""
        tasks.run_reducer(self, step_num)

    def _steps_desc(self) -> list[dict[str, Any]]:
        """What runners start: no combiners, which would be a process more for a second time."""
        described: list[dict[str, Any]] = super()._steps_desc()
        return [{k: v for k, v in step.items() if k != "combiner"} for step in described]
