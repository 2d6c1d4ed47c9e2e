"""Checks this package against its SHA256SUMS. Needs nothing but Python 3.8 or newer.

    python verify.py

Says what is missing, changed or not listed, and exits 1 where something is missing or changed.
"""

import hashlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUMS = "SHA256SUMS"


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    told = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            told.update(block)
    return told.hexdigest()


def main() -> int:
    """Compare each file with its line; 0 where all are as they were."""
    listed, bad = set(), 0
    for line in (HERE / SUMS).read_text(encoding="utf-8").splitlines():
        wanted, name = line.split("  ", 1)
        listed.add(name)
        path = HERE / name
        if not path.is_file():
            print("missing:", name)
        elif digest(path) != wanted:
            print("changed:", name)
        else:
            continue
        bad += 1
    for path in sorted(p for p in HERE.rglob("*") if p.is_file()):
        name = path.relative_to(HERE).as_posix()
        if name not in listed and name != SUMS:
            print("not listed:", name)
    print(f"{len(listed) - bad} of {len(listed)} files are as they were.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
