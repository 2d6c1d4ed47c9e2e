"""The Dockerfiles of tasks/: one base, one hash-locked lock, no root, one way to start.

What reads them here is what makes the process images, so that command, lock and entrypoint are
compared with what runs on a laptop, not with another text.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from localcloud.engines.images import build, dockerfile
from localcloud.engines.images.dockerfile import Step
from localcloud.engines.images.layers import Layer

ROOT = Path(__file__).resolve().parents[2]
TASKS = ROOT / "tasks"
BASE = "public.ecr.aws/docker/library/python:3.12-slim-bookworm"
INSTALL = "pip install --no-cache-dir --require-hashes -r requirements.txt"
FOLDERS = sorted(path.parent.name for path in TASKS.glob("*/Dockerfile"))
PIN = re.compile(r"^[a-z0-9-]+(\[[a-z0-9,-]+\])?==[^ ;]+", re.MULTILINE)

Steps = list[Step]


def test_there_are_dockerfiles() -> None:
    assert "mpi" in FOLDERS


@pytest.fixture(params=FOLDERS)
def folder(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def steps(folder: str) -> Steps:
    return dockerfile.read(TASKS / folder / "Dockerfile", {})


def of(steps: Steps, kind: str) -> list[tuple[str, ...]]:
    return [step.words for step in steps if step.kind == kind]


def test_the_base_is_one(steps: Steps) -> None:
    """A newer Python is a new line in three files and in the locks, seen by this test."""
    assert of(steps, "FROM") == [(BASE,)]


def test_the_lock_beside_it_is_installed_by_its_hashes_and_nothing_else(
    steps: Steps, folder: str
) -> None:
    assert [words[-1] for words in of(steps, "RUN")] == [INSTALL]
    assert of(steps, "COPY")[0] == (f"{folder}/requirements.txt", ".")
    # It lies where the RUN line looks for it, and is there by then.
    kinds = [step.kind for step in steps]
    assert kinds.index("WORKDIR") < kinds.index("COPY") < kinds.index("RUN")


def test_each_package_of_the_lock_is_pinned_and_hashed(folder: str) -> None:
    lock = (TASKS / folder / "requirements.txt").read_text()
    packages = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", lock, flags=re.MULTILINE).strip())
    assert len(packages) > 5
    for package in packages:
        assert PIN.match(package), package
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package
    for line in (TASKS / folder / "requirements.in").read_text().splitlines():
        name = re.split(r"[\[=<>~ ;#]", line.strip())[0].lower()
        assert not name or re.search(rf"^{re.escape(name)}(\[.*\])?==", lock, re.MULTILINE), name


def test_nobody_is_root(steps: Steps) -> None:
    """The last USER counts, and nothing after it writes to the image."""
    kinds = [step.kind for step in steps]
    assert of(steps, "USER")[-1][0].partition(":")[0] not in ("root", "0", "")
    assert not {"RUN", "COPY"} & set(kinds[kinds.index("USER") :])


def test_boot_is_where_it_is_started(steps: Steps) -> None:
    assert of(steps, "WORKDIR") == [("/opt/headrace",)]
    assert ("boot", "boot") in of(steps, "COPY")
    assert of(steps, "ENTRYPOINT") == [("python", "-m", "boot")]
    assert of(steps, "CMD") == []  # a job's command follows the entrypoint
    assert (TASKS / "boot" / "__main__.py").is_file()


def test_nobodys_home_can_be_written(steps: Steps) -> None:
    given = {
        name: value
        for words in of(steps, "ENV")
        for name, value in zip(words[::2], words[1::2], strict=True)
    }
    assert given["HOME"] == "/tmp"
    assert given["PYTHONUNBUFFERED"] == "1"  # a log's line is there when it is printed


def test_everything_that_is_copied_is_there(steps: Steps) -> None:
    for *sources, _ in of(steps, "COPY"):
        for source in sources:
            assert (TASKS / source).exists(), source


def test_no_study_is_in_an_image(steps: Steps, folder: str) -> None:
    """Programs come as an archive: a change of one must not mean a new image."""
    for *sources, _ in of(steps, "COPY"):
        for source in sources:
            assert not [p for p in (TASKS / source).glob("*.py") if p.parent.name != "boot"]
            assert source in ("boot", f"{folder}/requirements.txt") or not source.endswith(".py")


def test_the_process_image_has_this_lock_and_command(folder: str) -> None:
    """`make setup` built it from the very lines that a container's build runs."""
    kept = Path(os.environ.get("LOCALCLOUD_IMAGES", ROOT / ".cache" / "images"))
    layer = build.built(TASKS, TASKS / folder / "Dockerfile", kept)
    if layer is None:
        pytest.skip("make setup has not built this image's environment")
    assert layer.facts["base"] == BASE
    assert layer.facts["runs"] == [f"RUN {INSTALL}"]
    lock = (layer.root / "opt" / "headrace" / "requirements.txt").read_bytes()
    assert lock == (TASKS / folder / "requirements.txt").read_bytes()
    assert installed(layer) >= pinned(folder, layer)


def pinned(folder: str, layer: Layer) -> set[str]:
    """The lock's packages without a marker: those with one may be another Python's."""
    lock = (TASKS / folder / "requirements.txt").read_text()
    found = re.findall(r"^([a-z0-9-]+)(?:\[.*?\])?==([^ ;]+) \\$", lock, re.MULTILINE)
    assert found, layer
    return {f"{name}-{version}" for name, version in found}


def installed(layer: Layer) -> set[str]:
    """The packages in an environment, as name-version."""
    (site,) = (layer.folder / "venv" / "lib").glob("python*/site-packages")
    stems = [path.name.removesuffix(".dist-info") for path in site.glob("*.dist-info")]
    return {
        f"{re.sub(r'[-_.]+', '-', stem.rpartition('-')[0]).lower()}-{stem.rpartition('-')[2]}"
        for stem in stems
    }
