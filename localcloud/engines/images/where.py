"""`where FOLDER`: the Python of an image that was built here, to run its programs by hand."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from localcloud.engines.images import build, layers
from localcloud.engines.images.errors import ImageError

USAGE = "usage: python -m localcloud.engines.images where FOLDER"


def main(words: Sequence[str]) -> int:
    """Print it, and give the exit's code.

    FOLDER has the Dockerfile, and is a folder of the build's context.
    """
    if len(words) != 1:
        print(USAGE, file=sys.stderr)
        return 2
    folder, kept = Path(words[0]), layers.folder()
    try:
        layer = build.built(folder.parent, folder / "Dockerfile", kept)
    except ImageError as fault:
        print(fault, file=sys.stderr)
        return 1
    if layer is None:
        print(
            f"While looking for the environment of {folder}, found none in {kept}. Build the "
            f"image, by `python -m localcloud.engines.images build {folder.parent} -f "
            f"{folder / 'Dockerfile'}`.",
            file=sys.stderr,
        )
        return 1
    print(layer.python)
    return 0
