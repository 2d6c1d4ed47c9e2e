"""What a lock pins, and what a release of EMR brings: versions for the `runs` table."""

from __future__ import annotations

from pathlib import Path

from packaging.requirements import Requirement

from headrace.errors import HeadraceError

#: Hadoop and Spark of EMR's releases; AWS's own builds, whose names end in ``-amzn-N``.
#: https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-7130-release.html (also says what
#: 7.12.0 had), https://docs.aws.amazon.com/emr/latest/ReleaseGuide/Spark-release-history.html
RELEASES: dict[str, tuple[str, str]] = {
    "emr-7.13.0": ("3.4.2", "3.5.6"),
    "emr-7.12.0": ("3.4.1", "3.5.6"),
}


class LockError(HeadraceError):
    """A lock has a line that pins nothing."""


def engine(release: str) -> str:
    """A cluster's engines by its release: without versions where we don't know them.

    Examples
    --------
    >>> engine("emr-7.13.0")
    'Amazon EMR emr-7.13.0, Hadoop 3.4.2, Spark 3.5.6'
    >>> engine("emr-7.99.0")
    'Amazon EMR emr-7.99.0'
    """
    if release not in RELEASES:
        return f"Amazon EMR {release}"
    hadoop, spark = RELEASES[release]
    return f"Amazon EMR {release}, Hadoop {hadoop}, Spark {spark}"


def versions_of(lock: Path, python: str = "3.11") -> dict[str, str]:
    """The versions that a lock has installed on a node: Linux, under CPython.

    Parameters
    ----------
    lock : Path
        A requirements file, as ``uv pip compile --universal`` writes it: a pin a line, some with a
        marker, each with the hashes of its files behind it.
    python : str
        The nodes' Python, ``"3.11"`` or ``"python3.11"``.

    Returns
    -------
    dict
        Name to version, by name.

    Raises
    ------
    LockError
        For a line that names no version.
    """
    number = python.removeprefix("python")
    # Of a patch release no lock of ours makes a difference.
    nodes = {
        "python_version": number,
        "python_full_version": f"{number}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
    }
    found = [_pin(lock, line) for line in lock.read_text(encoding="utf-8").splitlines()]
    pins = [pin for pin in found if pin and (pin.marker is None or pin.marker.evaluate(nodes))]
    return {pin.name: next(iter(pin.specifier)).version for pin in sorted(pins, key=str)}


def _pin(lock: Path, line: str) -> Requirement | None:
    """A line's pin; None for its hashes, comments and blanks."""
    said = line.removesuffix("\\").strip()
    if not said or said.startswith(("#", "--hash")):
        return None
    told = Requirement(said)
    if [s.operator for s in told.specifier] != ["=="]:
        raise LockError(f"reading the lock {lock.name}", said, "Pin it by ==; `make lock` does.")
    return told
