"""What container images are built from: the part of `tasks/` that goes into them, and their tags.

An image holds packages and `boot`. Programs come as archives when a job starts, so a change of
one builds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headrace.errors import HeadraceError
from headrace.plan import ROOT
from infra.zips import Asset, digest_of, write_zip

#: What every image has, see `docs/contracts.md`.
BOOT = "boot"
#: Programs, and what locks are made from: neither is in an image.
_LEFT_OUT = (".py", ".in", ".pyc")
_TAG_DIGITS = 16


class ImageError(HeadraceError):
    """An image's folder lacks what it is built from."""


@dataclass(frozen=True)
class Image:
    """An image as it will be.

    Parameters
    ----------
    folder : str
        Of its Dockerfile, as ``tasks/mpi``.
    dockerfile : str
        Path of that in the build's context.
    tag : str
        The start of a SHA-256 of what goes in: what is the same is not built again.
    """

    folder: str
    dockerfile: str
    tag: str


@dataclass(frozen=True)
class Images:
    """What a study's images are built from.

    Parameters
    ----------
    context : Asset
        Zip of the context of all builds.
    images : tuple of Image
        In the order of their folders.
    """

    context: Asset
    images: tuple[Image, ...]


def build(folders: Sequence[str], cache: Path, root: Path = ROOT) -> Images:
    """Zip the context of images, and say how each is tagged.

    Parameters
    ----------
    folders : sequence of str
        As ``tasks/mpi``.
    cache : Path
        Folder of zips by digest.
    root : Path
        The project's folder.

    Raises
    ------
    ImageError
        Where a Dockerfile isn't there.
    """
    tasks = root / "tasks"
    boot = _files(tasks / BOOT, tasks, ())
    entries = {folder: _files(root / folder, tasks, _LEFT_OUT) for folder in sorted(folders)}
    images = tuple(_image(folder, {**boot, **own}) for folder, own in entries.items())
    context = boot | {path: content for own in entries.values() for path, content in own.items()}
    asset = Asset(cache / f"{digest_of(context)}.zip", digest_of(context))
    if not asset.path.is_file():
        write_zip(asset.path, dict(context))
    return Images(asset, images)


def _image(folder: str, entries: dict[str, bytes]) -> Image:
    dockerfile = f"{folder.removeprefix('tasks/')}/Dockerfile"
    if dockerfile not in entries:
        raise ImageError(
            f"packing the image {folder}",
            "no Dockerfile there",
            "Write it, or name another folder as the stage's image.",
        )
    return Image(folder, dockerfile, digest_of(entries)[:_TAG_DIGITS])


def _files(folder: Path, tasks: Path, left_out: Sequence[str]) -> dict[str, bytes]:
    """Files below a folder, by their paths in the context."""
    return {
        path.relative_to(tasks).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in left_out and "__pycache__" not in path.parts
    }
