"""What ran: the function's code, its libraries, and the engine under them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path


def code_hash(root: Path | None = None) -> str:
    """SHA-256, in hex, of the Python sources in the function's zip, by name.

    Parameters
    ----------
    root : Path, optional
        Folder of the function; ``LAMBDA_TASK_ROOT`` where absent.
    """
    root = root or Path(os.environ["LAMBDA_TASK_ROOT"])
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        body = path.read_bytes()
        total.update(f"{path.relative_to(root).as_posix()}:{len(body)}:".encode())
        total.update(body)
    return total.hexdigest()


def libraries() -> dict[str, str]:
    """Version of each installed distribution that the function can import."""
    found: dict[str, str] = {}
    for each in importlib.metadata.distributions():
        # The first of a name is the one that is imported.
        found.setdefault(each.name.lower(), each.version)
    return dict(sorted(found.items()))


def engine() -> str:
    """Lambda, its Python and its architecture."""
    arm = platform.machine().lower() in ("arm64", "aarch64")
    return f"AWS Lambda, Python {platform.python_version()}, {'arm64' if arm else 'x86_64'}"
