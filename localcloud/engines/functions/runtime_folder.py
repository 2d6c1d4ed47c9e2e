"""Lays out what every function finds beside its own code: the runtime client and boto3."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from pathlib import Path

from packaging.requirements import Requirement

#: AWS's Python runtimes bring boto3; the Runtime Interface Client is what runs a handler.
ROOTS = ("awslambdaric", "boto3")


def distributions(roots: tuple[str, ...] = ROOTS) -> list[importlib.metadata.Distribution]:
    """Find the installed distributions that `roots` need, themselves included."""
    found: dict[str, importlib.metadata.Distribution] = {}
    todo = list(roots)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found[name] = importlib.metadata.distribution(name)
        for line in found[name].requires or []:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                todo.append(need.name)
    return list(found.values())


def lay_out(folder: Path) -> Path:
    """Fill `folder` with links to the runtime's packages, and the bootstrap beside it.

    Returns
    -------
    Path
        The bootstrap script.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for distribution in distributions():
        for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            link = folder / top
            if not link.is_symlink():
                link.symlink_to(str(distribution.locate_file(top)))
    bootstrap = folder.parent / "bootstrap.py"
    shutil.copyfile(Path(__file__).with_name("bootstrap.py"), bootstrap)
    return bootstrap


def interpreter() -> str:
    """The Python to run functions with: the one under this virtual environment, where it is one.

    A function that starts `sys.executable` itself then doesn't find this environment's packages.
    """
    return str(getattr(sys, "_base_executable", None) or sys.executable)
