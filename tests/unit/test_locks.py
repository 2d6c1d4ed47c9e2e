"""What a lock pins on a node, and what a release of EMR brings."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.emr_stages import Cluster
from headrace.locks import RELEASES, LockError, engine, versions_of
from headrace.plan import ROOT

LOCK = """brotli==1.2.1 \\
    --hash=sha256:00 \\
    --hash=sha256:11
    # via fastwarc
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:22
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:33
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:44
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text(LOCK)
    return path


def test_pins_are_those_of_the_nodes(lock: Path) -> None:
    assert versions_of(lock) == {"brotli": "1.2.1", "numpy": "2.4.6"}
    assert versions_of(lock, "python3.12") == {"brotli": "1.2.1", "numpy": "2.5.5"}


def test_what_pins_nothing_is_refused(lock: Path) -> None:
    lock.write_text("numpy>=2\n")
    with pytest.raises(LockError, match=r"lock.txt, found numpy>=2. Pin it by =="):
        versions_of(lock)


@pytest.mark.parametrize("kind", ["mapreduce", "spark"])
def test_our_own_locks_are_read(kind: str) -> None:
    told = versions_of(ROOT / "emr_steps" / f"{kind}.txt")
    assert {"mapreduce": "mrjob", "spark": "numpy"}[kind] in told
    assert all(version[0].isdigit() for version in told.values())
    assert "colorama" not in told


def test_the_release_that_studies_get_has_versions() -> None:
    assert Cluster().release in RELEASES
    assert engine(Cluster().release).startswith(f"Amazon EMR {Cluster().release}, Hadoop 3.")
