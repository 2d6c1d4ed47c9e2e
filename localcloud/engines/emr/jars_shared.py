"""Class data sharing: the classes that a JVM loads at start, read from one file, not 100 jars.

An archive fits one JVM and one class path; its name says which, so an old one is never taken.
It halves the CPU seconds of a small step (Spark 14 to 7 on this project's 2 cores). Made by
``python -m localcloud.engines.emr.jars``, by rehearsing a small step of each kind.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from localcloud.engines.emr import jars

Command = tuple[list[str], dict[str, str], Path]


def sharing(name: str, path: Sequence[Path]) -> list[str]:
    """Give Java's options to use an archive, where there is one.

    Parameters
    ----------
    name : str
        ``hadoop`` or ``spark``.
    path : sequence of Path
        The jars of the class path, in order; it may have more behind them.
    """
    archive = _archive(name, path)
    return [f"-XX:SharedArchiveFile={archive}", "-Xlog:cds=off"] if archive.is_file() else []


def make(name: str, path: Sequence[Path], commands: Sequence[Command]) -> None:
    """Make an archive of what some commands load, where there is none yet.

    Parameters
    ----------
    commands : sequence of (words, environment, folder)
        Each is run with Java as its first word; that one fails is no matter.

    Raises
    ------
    localcloud.engines.emr.jars.JarsError
        Where Java can't make it.
    """
    archive = _archive(name, path)
    if archive.is_file():
        return
    with tempfile.TemporaryDirectory(dir=jars.folder(), prefix=".sharing-") as scratch:
        made, classes = Path(scratch) / "made.jsa", Path(scratch) / "classes"
        lines = [line for command in commands for line in _rehearse(command, Path(scratch))]
        classes.write_text("".join(dict.fromkeys(lines)))
        words = [str(jars.JAVA_HOME / "bin" / "java"), "-Xshare:dump", "-Xlog:cds=off"]
        words += [f"-XX:SharedClassListFile={classes}", f"-XX:SharedArchiveFile={made}"]
        words += ["-XX:+UseSerialGC", "-cp", ":".join(map(str, path))]
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        if not made.is_file():
            raise jars.JarsError(
                f"While making a class archive, Java ended with {ended.returncode}: "
                f"{ended.stderr[-500:]}. Steps run without it, slower."
            )
        for old in jars.folder().glob(f"{name}-*.jsa"):
            old.unlink()
        made.replace(archive)


def _rehearse(command: Command, scratch: Path) -> list[str]:
    words, environment, folder = command
    listed = scratch / "listed"
    words = [words[0], f"-XX:DumpLoadedClassList={listed}", *words[1:]]
    subprocess.run(words, env=environment, cwd=folder, capture_output=True, check=False)
    return listed.read_text().splitlines(keepends=True)


def _archive(name: str, path: Sequence[Path]) -> Path:
    told = [(jars.JAVA_HOME / "release").read_text()]
    told += [f"{jar} {jar.stat().st_size} {jar.stat().st_mtime_ns}" for jar in path]
    key = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    return jars.folder() / f"{name}-{key}.jsa"
