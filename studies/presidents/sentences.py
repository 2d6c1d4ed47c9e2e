"""Addresses taken to sentences: what the study's Map calls, once a file of JSON lines.

What the study *speeches* takes out of a text (:mod:`studies.speeches.records`) is taken out here
too, and sentences are split as there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from headrace.lake import Rejected, open_uri
from studies.speeches.records import split, spoken

_FIELDS = {"year": int, "president": str, "party": str, "text": str}
_KEPT_BYTES = 4096  # of a line that is no address


def sentences(item: dict[str, Any]) -> Iterator[dict[str, Any] | Rejected]:
    """Split the addresses of one file.

    Parameters
    ----------
    item : dict
        ``uri`` of the file.

    Yields
    ------
    dict or headrace.lake.Rejected
        A row of ``studies.presidents.study.Sentence`` for each sentence that has a letter; a
        line that is no address.
    """
    # Whole: an object's stream gives pieces of 1 KiB where a file gives lines.
    with open_uri(item["uri"]) as stream:
        lines = stream.read().split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = address(line)
        except ValueError as error:
            yield Rejected(f"line {number} of {item['uri']}: {error}", line[:_KEPT_BYTES])
            continue
        said = (s for s in split(spoken(found.pop("text"))) if any(c.isalpha() for c in s))
        for position, text in enumerate(said):
            yield found | {"position": position, "text": text}


def address(line: bytes) -> dict[str, Any]:
    """Read one line.

    Raises
    ------
    ValueError
        Where it isn't a JSON object with an address's fields.
    """
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    wrong = [n for n, kind in _FIELDS.items() if type(found.get(n)) is not kind]
    if wrong:
        raise ValueError(f"{', '.join(wrong)} missing or of another type")
    return {name: found[name] for name in _FIELDS}
