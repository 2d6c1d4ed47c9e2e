"""The jars of Spark stages: by Maven coordinates, and by their hashes the very ones."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from headrace.errors import HeadraceError
from headrace.plan import ROOT
from infra.zips import Asset

#: Jars by Maven coordinates, each with its SHA-256.
PINS = ROOT / "emr_steps" / "jars.json"


class ProgramError(HeadraceError):
    """A cluster stage's program can't be packed."""


def jars_of(
    coordinates: Sequence[str], folder: Path, say: Callable[[str], None], pinned: Path = PINS
) -> tuple[Asset, ...]:
    """Have jars in a folder, fetched where they aren't there yet.

    Parameters
    ----------
    coordinates : sequence of str
        As ``group:artifact:version``.
    folder : Path
        Made where it isn't there.
    say : callable
        Told in a line what takes long.
    pinned : Path
        JSON object, coordinate to SHA-256 in hex.

    Raises
    ------
    ProgramError
        Where one has no pin, can't be fetched, or isn't the pinned one.
    """
    if not coordinates:
        return ()
    pins: dict[str, str] = json.loads(pinned.read_text())
    for coordinate in coordinates:
        if coordinate not in pins:
            raise ProgramError(
                f"looking for the jar {coordinate}",
                f"no pin of it in emr_steps/{pinned.name}, which has {', '.join(sorted(pins))}",
                "Add it there with its SHA-256.",
            )
    paths = [folder / jar_name(coordinate) for coordinate in coordinates]
    if not all(_is_pinned(path, pins[c]) for path, c in zip(paths, coordinates, strict=True)):
        say(f"emr_steps: jars {', '.join(coordinates)}")
        _fetch(folder, pinned)
    return tuple(Asset(path, pins[c]) for path, c in zip(paths, coordinates, strict=True))


def jar_name(coordinate: str) -> str:
    """The file of a jar: what Maven calls it.

    Examples
    --------
    >>> jar_name("io.graphframes:graphframes-spark3_2.12:0.9.3")
    'graphframes-spark3_2.12-0.9.3.jar'
    """
    _, artifact, version = coordinate.split(":")
    return f"{artifact}-{version}.jar"


def _is_pinned(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _fetch(folder: Path, pinned: Path) -> None:
    """Have the local cloud's own program fetch and check the jars: it needs the same ones."""
    command = [sys.executable, "-m", "localcloud.engines.emr.jars", str(folder)]
    command += ["--pins", str(pinned)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProgramError(
            f"fetching the jars of emr_steps/{pinned.name}",
            done.stderr.strip()[-2000:],
            "Check the network, or correct that file.",
        )
