"""Combining in the mapper gives what mrjob gives, however often it combines and whatever comes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mrjob.protocol import StandardJSONProtocol

from emr_steps import blocks, held, json_pairs, tasks
from tests.unit import mapreduce_jobs as jobs
from tests.unit.mapreduce_path import inline

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
TEXTS = st.lists(st.text("ab'\r\n\tZЖ İ\u2028\x85", max_size=12) | st.binary(max_size=6))
JOBS = [jobs.Words, jobs.NoCombiner, jobs.OddKeys, jobs.TupleValues, jobs.Hooks, jobs.Sorted]


def text_of(lines: list[Any]) -> bytes:
    return b"\n".join(x if isinstance(x, bytes) else x.encode() for x in lines)


def run(job: Any, kind: str, data: bytes) -> bytes:
    made = job([f"--{kind}"]).sandbox(stdin=io.BytesIO(data))
    getattr(tasks, f"run_{kind}")(made)
    given: bytes = made.stdout.getvalue()
    return given


def mrjobs(job: Any, kind: str, data: bytes) -> bytes:
    made = job([f"--{kind}"]).sandbox(stdin=io.BytesIO(data))
    getattr(made, f"run_{kind}")(0)
    given: bytes = made.stdout.getvalue()
    return given


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
@given(lines=TEXTS)
@settings(max_examples=25, deadline=None)
def test_a_step_gives_what_inline_gives(job: Any, lines: list[Any]) -> None:
    data = text_of(lines)
    by = None if job.SORT_VALUES else (lambda line: line.split(b"\t", 1)[0])
    mapped = run(job, "mapper", data).splitlines(keepends=True)
    reduced = run(job, "reducer", b"".join(sorted(mapped, key=by))).splitlines(keepends=True)
    # As a set: of its reducers' own lines inline has one each. No key is twice otherwise.
    assert set(reduced) == set(inline(job, data))


@given(lines=TEXTS)
@settings(max_examples=50, deadline=None)
def test_without_a_combiner_the_mappers_bytes_are_mrjobs(lines: list[Any]) -> None:
    data = text_of(lines)
    assert run(jobs.NoCombiner, "mapper", data) == mrjobs(jobs.NoCombiner, "mapper", data)


@given(
    pairs=st.lists(st.tuples(st.sampled_from("abcde") | SCALARS, st.integers(-5, 1 << 70))),
    limit=st.integers(1, 9),
    kept=st.integers(0, 5),
)
@settings(max_examples=100, deadline=None)
def test_any_grouping_adds_up(pairs: list[Any], limit: int, kept: int) -> None:
    codec = json_pairs.CODECS[StandardJSONProtocol]
    expected: dict[bytes, int] = {}
    for key, value in pairs:
        told = codec.key(key).encode()
        expected[told] = expected.get(told, 0) + value
    written: list[bytes] = []
    held.HeldPairs(_add, codec, written.append, limit, kept).take([pairs])
    found: dict[bytes, int] = {}
    for line in written:
        key, value = line.split(b"\t")
        found[key] = found.get(key, 0) + int(value)
    assert found == expected


@given(pairs=st.lists(st.tuples(VALUES, VALUES)))
@settings(max_examples=100, deadline=None)
def test_combiners_see_what_json_gives_back(pairs: list[Any]) -> None:
    codec = json_pairs.CODECS[StandardJSONProtocol]
    seen: list[tuple[str, list[str]]] = []

    def combiner(key: Any, values: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
        seen.append((repr(key), sorted(map(repr, values))))
        yield from ()

    held.HeldPairs(combiner, codec, [b""].append).take([pairs])
    expected: dict[str, list[str]] = {}
    for key, value in pairs:
        back = repr(json.loads(json.dumps(value)))
        expected.setdefault(repr(json.loads(json.dumps(key))), []).append(back)
    assert dict(seen) == {key: sorted(values) for key, values in expected.items()}


@given(key=VALUES, value=VALUES)
@settings(max_examples=200, deadline=None)
def test_lines_are_the_protocols(key: Any, value: Any) -> None:
    for kind, codec in json_pairs.CODECS.items():
        assert codec.line(key, value) == kind().write(key, value) + b"\n"
        ((back, raw),) = codec.pairs([codec.line(key, value)])
        assert (back, codec.loads(raw)) == kind().read(kind().write(key, value))


@pytest.mark.parametrize("bad", [b"1", b"01\t1", b"1\t01", b"1\t", b"1\t\xff"])
def test_what_is_no_pair_is_refused(bad: bytes) -> None:
    codec = json_pairs.CODECS[StandardJSONProtocol]
    with pytest.raises(ValueError):  # noqa: PT011  # as mrjob: the library's own
        [codec.loads(value) for _, value in codec.pairs([bad])]
    with pytest.raises(ValueError):  # noqa: PT011
        StandardJSONProtocol().read(bad)


@given(data=st.lists(st.binary(max_size=9)), size=st.integers(1, 9))
def test_blocks_end_where_lines_end(data: list[bytes], size: int) -> None:
    stream = b"\n".join(data)
    found = list(blocks.blocks(io.BytesIO(stream), size))
    assert b"".join(found) == stream
    assert all(block.endswith(b"\n") for block in found[:-1])
    assert all(found)


def _add(key: Any, values: Iterator[int]) -> Iterator[tuple[Any, int]]:
    yield key, sum(values)
