"""CITATION.cff: how to cite a replication package.

https://github.com/citation-file-format/citation-file-format/blob/main/schema-guide.md (1.2.0)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from headrace.provenance.people import Author


def cff(
    study: str, question: str, run: str, date: str, authors: Sequence[Author], licence: str
) -> str:
    """The file's text.

    Parameters
    ----------
    study, question, run : str
    date : str
        The day on which the run ended, as ``2026-11-22``.
    authors : sequence of Author
        Where there are none, an entity stands for them, since the format wants at least one.
    licence : str
        An SPDX identifier, or empty.
    """
    lines = [
        "cff-version: 1.2.0",
        "message: " + _text("If you use these results, please cite this package."),
        "title: " + _text(question),
        "type: dataset",
        "version: " + _text(run),
        "date-released: " + _text(date),
        "authors:",
        *_authors(authors, study),
    ]
    return "\n".join([*lines, *([f"license: {_text(licence)}"] if licence else [])]) + "\n"


def _authors(authors: Sequence[Author], study: str) -> Iterator[str]:
    if not authors:
        yield "  - name: " + _text(f"The authors of study {study}")
    for author in authors:
        told = {"family-names": author.family, "given-names": author.given, "orcid": author.orcid}
        fields = [f"{key}: {_text(value)}" for key, value in told.items() if value]
        yield "  - " + "\n    ".join(fields)


def _text(value: str) -> str:
    """A string of JSON is one of YAML, whatever is in it."""
    return json.dumps(value, ensure_ascii=False)
