"""The New York Times set of Hutto and Gilbert's ratings as records, one JSON line a sentence.

    python -m studies.news.records hutto_ICWSM_2014.tar.gz | headrace push news - --wait

The set is a tab-separated file inside the archive: id, mean rating, text, lines ended by CR LF.
It isn't CSV, since quotation marks open nothing and lines may begin with one; and it is
split at LF alone, since a text may hold what else Python takes for the end of a line. Its text
is ASCII, and stays so: what isn't is an error, not a guess at an encoding. (The movie set of the
same archive is UTF-8, with some characters encoded twice.)
"""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MEMBER = "hutto_ICWSM_2014/nytEditorialSnippets_GroundTruth.txt"


def snippets(archive: Path) -> Iterator[dict[str, Any]]:
    """Yield one record per sentence, in the order of the file.

    Parameters
    ----------
    archive : Path
        ``hutto_ICWSM_2014.tar.gz``, of https://github.com/cjhutto/vaderSentiment.

    Yields
    ------
    dict
        ``id``, ``rating`` (-4 to 4) and ``text``.

    Raises
    ------
    ValueError
        For a line that isn't an id, a number and an ASCII text.
    KeyError
        Where the archive holds no such set.
    """
    with tarfile.open(archive) as files:
        member = files.extractfile(MEMBER)
        if member is None:
            raise KeyError(f"While reading {archive}, found no file {MEMBER}.")
        lines = member.read().split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            identity, rating, text = line.removesuffix(b"\r").decode("ascii").split("\t")
            yield {"id": identity, "rating": float(rating), "text": text}
        except ValueError as error:
            raise ValueError(
                f"While reading line {number} of {MEMBER}, found {line[:60]!r} ({error}). "
                "Give the archive as it was published."
            ) from error


def main() -> int:
    """Write the records as JSON lines to standard output."""
    if len(sys.argv) != 2:
        print("usage: python -m studies.news.records hutto_ICWSM_2014.tar.gz", file=sys.stderr)
        return 2
    try:
        for record in snippets(Path(sys.argv[1])):
            print(json.dumps(record))
    except (OSError, ValueError, KeyError, tarfile.TarError) as error:
        print(f"headrace: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
