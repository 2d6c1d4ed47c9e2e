"""Sentences: what ends one, what doesn't, and what is no speech at all."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.speeches import records


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four.", ["One.", "Two!", "Three?", "Four."]),
        ("I ask Mr. Fox and Gen. Paez. They came.", ["I ask Mr. Fox and Gen. Paez.", "They came."]),
        ("The U.S. Navy sailed. It won.", ["The U.S. Navy sailed.", "It won."]),
        ("Col. J. D. Gall, U. S. Army, built it.", ["Col. J. D. Gall, U. S. Army, built it."]),
        ("It cost $3.75 in 1899. It was 2.5 per cent.", None),
        ("See Report No. 702 of the House. Read it.", None),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("World War I. Then peace came.", ["World War I.", "Then peace came."]),
        ("We fight for peace.We win.", ["We fight for peace.", "We win."]),
        ("Enough of that... Civilization goes on.", None),
        ("no capital follows. so it goes on", ["no capital follows. so it goes on"]),
        ("", []),
        ("   ", []),
    ],
)
def test_a_text_is_split_into_sentences(text: str, sentences: list[str] | None) -> None:
    found = records.split(text)
    assert found == (sentences if sentences is not None else found)
    assert len(found) == 2 if sentences is None else True


@given(st.text(alphabet="aB. !?\"'()U.S0123\n", max_size=200))
def test_splitting_loses_nothing_but_white_space(text: str) -> None:
    assert "".join("".join(records.split(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Thank you. (Applause.) Good.", "Thank you. Good."),
        ("Vice President—(applause)—no", "Vice President—no"),
        ("A joke. [Laughter]  So.", "A joke. So."),
        ("The law (of 1857) stands.", "The law (of 1857) stands."),
    ],
)
def test_what_a_transcriber_noted_of_the_room_is_no_speech(text: str, spoken: str) -> None:
    assert records.spoken(text) == spoken


def test_one_record_a_sentence_and_none_without_a_letter(tmp_path: Path) -> None:
    address = {"year": 1790, "name": "A B", "party": "none", "text": "One. 1835. Two."}
    (tmp_path / "1790.json").write_text(json.dumps(address))
    assert list(records.sentences(tmp_path)) == [
        {"year": 1790, "president": "A B", "party": "none", "position": p, "text": t}
        for p, t in enumerate(["One.", "Two."])
    ]


def test_a_missing_corpus_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="npm ci"):
        next(records.sentences(tmp_path))


def test_the_corpus_gives_the_same_records_for_ever() -> None:
    found = list(records.sentences())
    assert len({(r["year"], r["president"]) for r in found}) == 233
    text = "\n".join(f"{r['year']} {r['president']} {r['position']} {r['text']}" for r in found)
    assert (len(found), hashlib.sha256(text.encode()).hexdigest()[:16]) == (
        62982,
        "500fbf5f1eb55746",
    )
    assert {r["party"] for r in found} >= {"none", "Whig & Democratic", "National Union"}
