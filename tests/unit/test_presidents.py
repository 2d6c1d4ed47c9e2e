"""The study of presidents' words: its addresses as lines, and lines as sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.lake import Rejected
from studies.presidents.sentences import address, sentences
from studies.speeches.records import CORPUS, addresses
from studies.speeches.records import sentences as spoken_sentences

GOOD = {
    "year": 1801,
    "president": "Ada",
    "party": "none",
    "text": "We met. (Applause.) Mr. Cy spoke! ...",
}


def read(path: Path, *lines: bytes) -> list[Any]:
    path.write_bytes(b"\n".join(lines))
    return list(sentences({"uri": str(path)}))


def test_an_address_is_its_sentences_in_order(tmp_path: Path) -> None:
    found = read(tmp_path / "a.jsonl", json.dumps(GOOD).encode(), b"")
    assert [(row["position"], row["text"]) for row in found] == [
        (0, "We met."),
        (1, "Mr. Cy spoke! ..."),
    ]
    assert found[0] == {k: GOOD[k] for k in ("year", "president", "party")} | {
        "position": 0,
        "text": "We met.",
    }


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (b"{oops", "line 1"),
        (b"\xff\xfe", "line 1"),
        (b"[1]", "no JSON object"),
        (json.dumps(GOOD | {"year": "1801"}).encode(), "year"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "text"}).encode(), "text"),
    ],
)
def test_a_line_that_is_no_address_is_rejected_and_the_next_is_read(
    tmp_path: Path, line: bytes, word: str
) -> None:
    bad, *good = read(tmp_path / "a.jsonl", line, json.dumps(GOOD).encode())
    assert isinstance(bad, Rejected)
    assert word in bad.reason
    assert bad.data == line
    assert len(good) == 2


def test_fields_beside_an_address_are_left_out() -> None:
    assert address(json.dumps(GOOD | {"more": 1}).encode()) == GOOD


def test_no_corpus_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="npm ci"):
        list(addresses(tmp_path))


@pytest.mark.skipif(not CORPUS.is_dir(), reason="`npm ci` was not run")
def test_the_corpus_gives_the_flagships_sentences(tmp_path: Path) -> None:
    lines = [json.dumps(record).encode() for record in addresses()]
    assert len(lines) == 233
    assert read(tmp_path / "all.jsonl", *lines) == list(spoken_sentences())
