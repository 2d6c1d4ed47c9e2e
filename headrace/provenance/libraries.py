"""Which of a function's 60 libraries matter to a reader: those that its lock names directly.

A lock is compiled from a ``requirements.in``, which names what the function itself asks for; all
else came along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def named(requirements: str) -> set[str]:
    """The names in the text of a ``requirements.in``, normalised."""
    found = (_NAME.match(line.split("#")[0]) for line in requirements.splitlines())
    return {normal(match[1]) for match in found if match}


def normal(name: str) -> str:
    """A project's name as PyPI compares it.

    https://packaging.python.org/en/latest/specifications/name-normalization/
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def direct(root: Path, package: str) -> set[str]:
    """What a study's functions, and programs of clusters and containers, ask for by name.

    Parameters
    ----------
    root : Path
        The checkout.
    package : str
        The study's folder under ``studies/``.
    """
    files = (root / "studies" / package, root / "lambdas" / "map")
    texts = [f / "requirements.in" for f in files]
    texts += [*root.glob("emr_steps/*.in"), *root.glob("tasks/*/requirements.in")]
    return set().union(*(named(t.read_text(encoding="utf-8")) for t in texts if t.is_file()))


def chosen(libraries: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The recorded versions of these libraries, by the name that was recorded."""
    wanted = set(names)
    return {k: v for k, v in sorted(libraries.items(), key=_folded) if normal(k) in wanted}


def _folded(pair: tuple[str, str]) -> str:
    return pair[0].lower()
