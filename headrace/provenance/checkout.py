"""What a package takes from the checkout: the study's folder, the locks, the git commit."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

#: Never part of a study.
_SKIPPED = ("__pycache__", ".ipynb_checkpoints")


@dataclass(frozen=True)
class Commit:
    """Where a checkout stands in git.

    Parameters
    ----------
    id : str
        Empty where it is no repository, or has changes that no commit holds.
    why : str
        Why there is none, in words.
    """

    id: str
    why: str = ""


def commit(root: Path) -> Commit:
    """The commit that a checkout is, exactly."""
    if shutil.which("git") is None:
        return Commit("", "git is not installed")
    told = _git(root, "rev-parse", "--show-toplevel", "HEAD")
    if told is None:
        return Commit("", "the checkout was no git repository with a commit")
    top, head = told.splitlines()
    if Path(top).resolve() != root.resolve():
        return Commit("", "the checkout lay inside another git repository")
    if _git(root, "status", "--porcelain"):
        return Commit("", "the checkout had changes that were not committed")
    return Commit(head)


def _git(root: Path, *words: str) -> str | None:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def files(root: Path, package: str) -> dict[str, str]:
    """What goes into a package, by its path in the checkout, with what it is."""
    found = dict.fromkeys(_study(root, package), "Part of the study")
    for lock, what in (
        ("requirements/run.txt", "Lock of the checkout's environment: Python packages"),
        ("requirements/node.txt", "Lock of the checkout's environment: Node.js"),
        ("package-lock.json", "Lock of the checkout's environment: npm packages"),
    ):
        if (root / lock).is_file():
            found[lock] = what
    for path in sorted((root / "lambdas").glob("*/requirements.txt")):
        found[path.relative_to(root).as_posix()] = f"Lock of the function {path.parent.name}"
    return found


def _study(root: Path, package: str) -> list[str]:
    folder = root / "studies" / package
    names = (p.relative_to(folder) for p in sorted(folder.rglob("*")) if p.is_file())
    kept = (n for n in names if not any(s in _SKIPPED or s.startswith(".") for s in n.parts))
    return [f"studies/{package}/{name.as_posix()}" for name in kept]
