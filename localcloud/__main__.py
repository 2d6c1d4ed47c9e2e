"""`python -m localcloud --port PORT --data DIR [--ready FILE]`: serve in the foreground."""

from __future__ import annotations

import argparse
from pathlib import Path

from localcloud.cloud import Cloud
from localcloud.server import serve


def main() -> None:
    """Read the words and serve."""
    words = argparse.ArgumentParser(prog="localcloud", description=__doc__)
    words.add_argument("--port", type=int, default=5566)
    words.add_argument("--data", type=Path, required=True)
    words.add_argument("--ready", type=Path)
    words.add_argument("--region", default="us-east-1")
    given = words.parse_args()
    given.data.mkdir(parents=True, exist_ok=True)
    serve(Cloud(given.port, given.data.resolve(), given.region), given.ready)


if __name__ == "__main__":
    main()
