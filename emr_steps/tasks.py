"""mrjob's task loops, quicker: the same job, the same answer, a fraction of the machinery.

What a class has changed about its own loop (`map_pairs`, `combine_pairs`, `reduce_pairs`, how
lines are read or written) stays its own: such a task is left to mrjob.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mrjob.job import MRJob
from mrjob.protocol import BytesValueProtocol, TextValueProtocol

from emr_steps import blocks
from emr_steps.held import HeldLines, HeldPairs, Pairs
from emr_steps.json_pairs import codec_of

#: mrjob's own, for what is left to them.
MAPPER, COMBINER, REDUCER = MRJob.run_mapper, MRJob.run_combiner, MRJob.run_reducer
_LOOPS = ("_read_input", "_wrap_protocols", "_combine_or_reduce_pairs")
#: Lines that are written at once.
LINES = 8192
#: Bytes of lines that are held before they are written.
HELD_BYTES = 1 << 20


class Out:
    """A task's standard output: lines are gathered and written in large pieces."""

    def __init__(self, job: Any) -> None:
        self._stdout, self._lines, self._bytes = job.stdout, [], 0  # type: ignore[var-annotated]

    def line(self, line: bytes) -> None:
        """Write a line, which has its end."""
        self._lines.append(line)
        self._bytes += len(line)
        if self._bytes >= HELD_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        self._stdout.write(b"".join(self._lines))
        self._lines.clear()
        self._bytes = 0


def run_mapper(job: Any, step_num: int = 0, by_block: bool = False) -> None:
    """Run a step's mapper, and its combiner on what it gives.

    Parameters
    ----------
    job : MRJob
        With its options read.
    step_num : int
        From 0.
    by_block : bool
        Hand the mapper blocks of lines rather than lines, where it reads lines of text.
    """
    if not _is_own(job, "map_pairs"):
        MAPPER(job, step_num)
        return
    step = job.steps()[step_num]
    read, write = job.pick_protocols(step_num, "mapper")
    inputs = _inputs(job, read, by_block)
    outputs = _outputs(job, step, inputs)
    out = Out(job)
    held = _held(job, step_num, out) if step.has_explicit_combiner else None
    if held is not None:
        held.take(outputs)
    else:
        _write(itertools.chain.from_iterable(outputs), write, out)
    out.flush()


def run_combiner(job: Any, step_num: int = 0) -> None:
    """Run a step's combiner by itself, as mrjob's own runners call it."""
    _run_grouped(job, step_num, "combiner", COMBINER)


def run_reducer(job: Any, step_num: int = 0) -> None:
    """Run a step's reducer: a key is decoded once for all its lines."""
    _run_grouped(job, step_num, "reducer", REDUCER)


def _is_own(job: Any, *methods: str) -> bool:
    """Whether a class left mrjob's loop as it was."""
    kind = type(job)
    return all(getattr(kind, name) is getattr(MRJob, name) for name in (*_LOOPS, *methods))


def _inputs(job: Any, read: Callable[..., Any], by_block: bool) -> Iterable[tuple[Any, Any]]:
    """What the mapper is called with."""
    protocol, stdin = getattr(read, "__self__", None), job.stdin
    if not job.options.args and hasattr(stdin, "read"):
        if type(protocol) is TextValueProtocol:
            if by_block:
                return ((None, blocks.text(block)) for block in blocks.blocks(stdin))
            return ((None, line) for line in blocks.lines(stdin))
        if type(protocol) is BytesValueProtocol and by_block:
            return ((None, block) for block in blocks.blocks(stdin))
    lines = job._read_input()
    codec = codec_of(read)
    if codec is not None:
        return ((key, codec.loads(value)) for key, value in codec.pairs(lines))
    return (read(line.rstrip(b"\r\n")) for line in lines)


def _outputs(job: Any, step: Any, inputs: Iterable[tuple[Any, Any]]) -> Iterator[Pairs]:
    """What the mapper gives for each input, as mrjob's `map_pairs` goes through them."""
    if step["mapper_init"]:
        yield step["mapper_init"]() or ()
    if step["mapper_raw"]:
        path, uri = job.options.args
        yield step["mapper_raw"](path, uri) or ()
    else:
        mapper = step["mapper"]
        for key, value in inputs:
            output = mapper(key, value)
            if output is not None:
                yield output
    if step["mapper_final"]:
        yield step["mapper_final"]() or ()


def _held(job: Any, step_num: int, out: Out) -> HeldPairs | HeldLines | None:
    """Who combines in the mapper; nobody where the combiner is a command, which Hadoop may skip."""
    if not _is_own(job, "combine_pairs"):
        return None
    # Of its own instance: on Hadoop a combiner never shares attributes with a mapper.
    other = type(job)(job._cl_args).sandbox(stdout=job.stdout, stderr=job.stderr)
    step = other.steps()[step_num]
    if step["combiner_cmd"] or step["combiner_pre_filter"]:
        return None
    read, write = other.pick_protocols(step_num, "combiner")
    codec = codec_of(write)
    simple = not (step["combiner_init"] or step["combiner_final"] or other.sort_values())
    if codec is not None and codec is codec_of(read) and simple:
        return HeldPairs(step["combiner"], codec, out.line)
    return HeldLines(
        lambda pairs: other.combine_pairs(pairs, step_num),
        read,
        write,
        out.line,
        bool(other.sort_values()),
    )


def _write(pairs: Pairs, write: Callable[[Any, Any], bytes], out: Out) -> None:
    """Write pairs, encoded as the protocol does."""
    codec, line = codec_of(write), out.line
    if codec is not None:
        encode = codec.line
        for key, value in pairs:
            line(encode(key, value))
    else:
        for key, value in pairs:
            line(write(key, value) + b"\n")


def _run_grouped(job: Any, step_num: int, kind: str, mrjobs: Callable[..., None]) -> None:
    read, write = job.pick_protocols(step_num, kind)
    codec = codec_of(read)
    own = "combine_pairs" if kind == "combiner" else "reduce_pairs"
    if not _is_own(job, own):
        mrjobs(job, step_num)
        return
    out = Out(job)
    if codec is None:
        lines = (read(line.rstrip(b"\r\n")) for line in job._read_input())
        _write(getattr(job, own)(lines, step_num), write, out)
    else:
        step = job.steps()[step_num]
        groups = _groups(codec.pairs(job._read_input()), codec.loads)
        _write(itertools.chain.from_iterable(_grouped(step, kind, groups)), write, out)
    out.flush()


def _groups(
    pairs: Iterable[tuple[Any, bytes]], loads: Callable[[bytes], Any]
) -> Iterator[tuple[Any, Iterator[Any]]]:
    """Neighbours of one key, as mrjob groups them: by what is equal once it is decoded."""
    for key, group in itertools.groupby(pairs, operator.itemgetter(0)):
        yield key, map(loads, map(operator.itemgetter(1), group))


def _grouped(step: Any, kind: str, groups: Iterable[tuple[Any, Iterator[Any]]]) -> Iterator[Pairs]:
    task, begin, end = step[kind], step[f"{kind}_init"], step[f"{kind}_final"]
    if task is None:
        raise ValueError(f"While running a {kind}, found none in its step. Define one.")
    if begin:
        yield begin() or ()
    for key, values in groups:
        yield task(key, values) or ()
    if end:
        yield end() or ()
