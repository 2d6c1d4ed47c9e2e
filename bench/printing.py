"""The command line of a bench made of parts: what it measures, and how it prints figures."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict

from bench.spine import Figure


def versions(packages: Iterable[str]) -> dict[str, str | int | None]:
    """What figures were measured with."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
        "machine": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
    }


def main(
    name: str,
    about: str | None,
    packages: Iterable[str],
    parts: Collection[str],
    measure: Callable[[Sequence[str]], list[Figure]],
) -> None:
    """Measure, and print one JSON document or a line a figure.

    Parameters
    ----------
    name : str
        The bench's.
    about : str or None
        Its module's docstring.
    packages : iterable of str
        Whose versions go with the figures.
    parts : collection of str
        What ``--only`` may name.
    measure : callable
        Measures the parts that it is given.
    """
    words = argparse.ArgumentParser(description=about.split("\n")[0] if about else None)
    words.add_argument("--json", action="store_true", help="print one JSON document")
    words.add_argument("--only", action="append", choices=parts, help="this part; repeatable")
    given = words.parse_args()
    figures = measure(given.only or list(parts))
    if given.json:
        document = {"bench": name, "versions": versions(packages)}
        print(json.dumps(document | {"figures": [*map(asdict, figures)]}, indent=2))
        return
    for figure in figures:
        beside = "; ".join(f"{peer} {value:,g}" for peer, value in figure.peers.items())
        must = f"({figure.must})" if figure.must else ""
        print(f"{figure.name:<50}{figure.value:>10,g} {figure.unit} {must} {beside}".rstrip())
