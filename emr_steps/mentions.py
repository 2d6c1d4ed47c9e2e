"""Names in a sentence: which runs of capitalised words name someone or something.

A rule, not a model; it knows English spelling and nothing of the world:

1. A name is a run of words that begin with a capital. ``of`` and ``of the`` between two of them
   belong to it ("House of Representatives"), as do initials ("John F. Kennedy").
2. A run ends where its words are parted by anything but blanks, or by a lower-case word.
3. Words of :data:`STOP` are cut off at a run's ends: pronouns, articles, months, days, titles,
   and their contractions ("I've").
   A run of nothing else is no name.
4. A possessive ``'s`` goes.
5. The first word of a sentence is capitalised anyhow: a name of one word there is `uncertain`.
   A name counts only if it is certain in most of the sentences that have it (the program sees to
   that), so that "Although" is none for having once begun a title.
6. A sentence in capitals throughout names nothing.

Names that are spelled differently are different names, unless the stage's params say that one is
an alias of the other.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_STOP = """
    A After All Although Among An And Another Any April Are As At August Be Because Before Both
    But By Can Could December Did Do Does Dr During Each Either Even Every February Fellow Few
    First For Friday From Further Gentlemen Had Has Have He Her Here His Hon Honorable How
    However I If In Indeed Instead Into Is It Its January July June Last Let Madam Many March
    May Messrs Monday More Moreover Most Mr Mrs Ms Much Must My Neither Never Nevertheless Next
    No Nor Not Nothing November Now October Of On Once One Only Or Other Our Out Over Perhaps
    Saturday Second September Shall She Should Since Sir So Some Still Such Sunday Than Thank
    That The Their Them Then There Therefore These They Third This Those Though Through Thursday
    Thus To Today Tonight Too Tuesday Two Under Until Up Upon Us Very Was We Wednesday Were What
    When Where Whether Which While Who Whose Why Will With Within Without Would Yes Yet You Your
"""
#: Words that begin or end no name.
STOP = frozenset(_STOP.split())

_WORD = re.compile(r"(?:[^\W\d_]\.)+(?=\W|$)|[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_POSSESSIVE = re.compile(r"['\u2019]s$", re.IGNORECASE)
_JOINS = (("of",), ("of", "the"))


class Name(NamedTuple):
    """A name, and whether only its place at the sentence's beginning capitalised it."""

    name: str
    uncertain: bool


class _Word(NamedTuple):
    text: str
    capital: bool
    first: bool
    joined: bool  # only blanks before it


def names(sentence: str) -> list[Name]:
    """Find the names in a sentence, each once, in their order.

    Parameters
    ----------
    sentence : str
        One sentence.

    Returns
    -------
    list of Name
        A name that is certain anywhere in the sentence is certain.
    """
    if not any(c.islower() for c in sentence):
        return []
    found: dict[str, bool] = {}
    for run in _runs(_words(sentence)):
        while run and _stops(run[0]):
            run = _uncapped(run[1:])
        while run and _stops(run[-1]):
            run = run[:-1]
        while run and not run[-1].capital:
            run = run[:-1]
        if not run:
            continue
        name = " ".join(w.text for w in run)
        uncertain = len(run) == 1 and run[0].first
        if len(name) > 1:
            found[name] = uncertain and found.get(name, True)
    return [Name(name, uncertain) for name, uncertain in found.items()]


def _stops(word: _Word) -> bool:
    return re.split("['\u2019]", word.text)[0] in STOP


def _uncapped(run: list[_Word]) -> list[_Word]:
    """A run without the joining words that a cut left at its beginning."""
    while run and not run[0].capital:
        run = run[1:]
    return run


def _words(sentence: str) -> list[_Word]:
    made: list[_Word] = []
    end = 0
    for at in _WORD.finditer(sentence):
        text = _POSSESSIVE.sub("", at.group())
        possessed = bool(made) and sentence[end - 2 : end].lower() in ("'s", "\u2019s")
        blanks = sentence[end : at.start()].strip() in (("", ".") if _initial(made) else ("",))
        made.append(_Word(text, text[:1].isupper(), not made, blanks and not possessed))
        end = at.end()
    return made


def _initial(made: list[_Word]) -> bool:
    """Whether a stop after the last word belongs to it: an initial's, or as in "St. Louis"."""
    if not made:
        return False
    last = made[-1].text
    return last in ("St", "Mt", "Ft") or (len(last) == 1 and last.isupper() and last != "I")


def _runs(words: list[_Word]) -> list[list[_Word]]:
    runs: list[list[_Word]] = []
    at = 0
    while at < len(words):
        if not words[at].capital:
            at += 1
            continue
        run = [words[at]]
        at += 1
        while at < len(words):
            took = _continues(words[at:])
            if not took:
                break
            run += words[at : at + took]
            at += took
        runs.append(run)
    return runs


def _continues(words: list[_Word]) -> int:
    """How many words go on with a run: a capitalised one, or ``of (the)`` and one."""
    if not words[0].joined:
        return 0
    if words[0].capital:
        return 1
    for join in _JOINS:
        taken = words[: len(join) + 1]
        if (
            len(taken) == len(join) + 1
            and tuple(w.text for w in taken[:-1]) == join
            and taken[-1].capital
            and all(w.joined for w in taken)
        ):
            return len(taken)
    return 0
