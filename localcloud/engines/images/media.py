"""What a process image consists of: the kinds of its blobs, its labels, and its paths."""

from __future__ import annotations

import os
from pathlib import Path

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
FILES = "application/vnd.docker.image.rootfs.diff.tar"
#: Names the environment that stays on this machine; no container engine takes such a layer.
ENVIRONMENT = "application/vnd.localcloud.environment.v1+json"
BASE_LABEL = "localcloud.base"
PYTHON_LABEL = "localcloud.python"


def inside(root: Path, path: str, workdir: str = "/") -> Path:
    """Where a path of the image is on this machine; ``..`` stops at its root, as there."""
    return root / os.path.normpath(os.path.join("/", workdir, path)).lstrip("/")
