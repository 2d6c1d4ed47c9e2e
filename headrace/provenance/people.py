"""Who wrote a study, as given on the command line: ``Ada Lovelace <0000-0002-1825-0097>``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headrace.errors import HeadraceError

_AUTHOR = re.compile(r"^\s*(?P<name>[^<>]*?)\s*(?:<\s*(?P<orcid>[^<>]*?)\s*>)?\s*$")
_ORCID = re.compile(r"^(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])$")


class AuthorError(HeadraceError):
    """An author's name or ORCID iD can't be read."""


@dataclass(frozen=True)
class Author:
    """A person.

    Parameters
    ----------
    given, family : str
        Either may be empty, not both.
    orcid : str
        ``https://orcid.org/0000-...``, or empty.
    """

    given: str
    family: str
    orcid: str = ""

    @property
    def name(self) -> str:
        """The name as it is said."""
        return f"{self.given} {self.family}".strip()


def author(text: str) -> Author:
    """Read an author.

    Parameters
    ----------
    text : str
        ``Given Family <orcid>``, or ``Family, Given <orcid>`` where the family name isn't the last
        word alone; the ORCID iD may be absent.

    Raises
    ------
    AuthorError
        Where there is no name, or the iD isn't one.
    """
    match = _AUTHOR.match(text)
    if not match or not match["name"]:
        raise AuthorError("reading an author", f"{text!r}", 'Write "Given Family <orcid>".')
    name = " ".join(match["name"].split())
    if "," in name:
        family, _, given = (part.strip() for part in name.partition(","))
    else:
        given, _, family = name.rpartition(" ")
    return Author(given, family, orcid(match["orcid"]) if match["orcid"] else "")


def orcid(text: str) -> str:
    """An ORCID iD as its address.

    Raises
    ------
    AuthorError
        Where it has another form, or its check digit is wrong (ISO 7064 11,2:
        https://support.orcid.org/hc/en-us/articles/360006897674).
    """
    match = _ORCID.match(text)
    if not match or _check_digit(match[1]) != match[1][-1]:
        raise AuthorError(
            "reading an author", f"the ORCID iD {text!r}, which is none", "Look it up at orcid.org."
        )
    return f"https://orcid.org/{match[1]}"


def _check_digit(text: str) -> str:
    total = 0
    for digit in text.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    return "X" if rest == 10 else str(rest)
