"""The methods paragraphs: golden files for runs of several shapes, in three formats."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.provenance import libraries, prose
from headrace.provenance.counting import Rejects, Source
from headrace.provenance.methods import Facts, paragraphs
from tests.unit.provenance_runs import A, B, facts, query_row, row, run, second

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "provenance"


def nothing_bad() -> Facts:
    clean = run(row(quarantined=0, rows_out=5190), query_row())
    source = dataclasses.replace(facts().sources[0], quarantined=0, reasons=())
    return facts(clean, rejects={}, sources=[source])


def resumed() -> Facts:
    return facts(run(row(), query_row(attempt=3)))


def of_another_run() -> Facts:
    again = dataclasses.replace(facts().pin, again=A)  # type: ignore[type-var]
    return facts(second(), pin=again, target="local")


def over_files() -> Facts:
    files = [f"files/ratings/{n}.csv" for n in range(20)]
    plain = {"sql": None, "snapshots": "{}", "params": "{}", "quarantined": 0}
    of = run(row(files=json.dumps(files), items=20, rows_out=20, **plain))
    return facts(of, sources=[], rejects={}, stages=("scores",))


def external() -> Facts:
    sql = "SELECT url FROM ccindex JOIN sentences FOR VERSION AS OF 7 ON true"
    of = run(row(sql=sql), query_row(snapshots="{}", sql="SELECT 1 AS x"))
    parts = {"scores": Rejects(12, 4, (("a <broken> record", 12),))}
    sources = [Source("ccindex_names", None, 0), Source("sentences", 7, 1, ("a-0", "a-1"))]
    return facts(
        of, pin=None, rejects=parts, sources=sources, externals={"ccindex": "s3://commoncrawl/i/"}
    )


def incomplete() -> Facts:
    return facts(run(row()))


SHAPES: dict[str, Callable[[], Facts]] = {
    f.__name__: f
    for f in (facts, nothing_bad, resumed, of_another_run, over_files, external, incomplete)
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_in_prose(shape: str) -> None:
    written = prose.write(paragraphs(SHAPES[shape]()), "text")
    assert written == (GOLDEN / f"methods_{shape}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "suffix"), [("markdown", "md"), ("latex", "tex")])
def test_formats_escape_what_is_theirs(kind: str, suffix: str) -> None:
    written = prose.write(paragraphs(external()), kind)
    assert written == (GOLDEN / f"methods_external.{suffix}").read_text(encoding="utf-8")


def test_what_was_not_recorded_is_not_claimed() -> None:
    text = prose.write(paragraphs(external()), "text")
    assert "No record" not in text  # of the quarantine when the run began: the pin is gone
    assert "resumed" not in text
    assert "took over" not in text
    assert "quarantined" not in prose.write(paragraphs(over_files()), "text").replace(
        "No item was quarantined", ""
    )


def test_a_quarantine_that_changed_since_gives_only_the_runs_own_count() -> None:
    stale = facts(rejects={"scores": Rejects(3, 3, (("x", 3),))})
    assert "12 entries went to quarantine." in prose.write(paragraphs(stale), "text")


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, "0 %"),
        (0, 7, "0.0 %"),
        (1, 8, "12.5 %"),
        (7, 7, "100.0 %"),
        (1, 10_000, "0.01 %"),
        (9_999, 10_000, "99.99 %"),
        (1, 10**9, "less than 0.001 %"),
        (10**9 - 1, 10**9, "more than 99.999 %"),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(part: int, whole: int, said: str) -> None:
    assert prose.share(part, whole) == said


def test_a_long_reason_of_many_lines_is_one_short_line() -> None:
    line = prose.one_line("a\n  b\t" + "c" * 500)
    assert line.startswith("a b ccc")
    assert len(line) <= 160


def test_libraries_are_those_that_a_lock_names_itself() -> None:
    text = "# a comment\nvaderSentiment==3.3.2\n-c other.txt\nboto3[crt]>=1 ; x\n\nPy_Arrow~=26\n"
    assert libraries.named(text) == {"vadersentiment", "boto3", "py-arrow"}
    found = libraries.chosen({"VaderSentiment": "3", "numpy": "2", "py.arrow": "26"}, {"py-arrow"})
    assert found == {"py.arrow": "26"}


def test_the_locks_of_this_checkout_name_libraries() -> None:
    root = Path(__file__).resolve().parents[2]
    assert "vadersentiment" in libraries.direct(root, "news")
    assert "mpi4py" in libraries.direct(root, "health")
    assert not libraries.direct(root, "no_such_study") & {"vadersentiment", "botocore"}


def test_both_runs_are_told_apart() -> None:
    assert B in prose.write(paragraphs(of_another_run()), "text")
