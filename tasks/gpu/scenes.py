"""Landsat scenes: bands 4 (red) and 5 (near infrared) of a name, as GeoTIFFs of one size.

``LC08_L1TP_013032_20180131_B4.TIF`` is band 4 of the scene ``LC08_L1TP_013032_20180131``
(https://www.usgs.gov/faqs/how-do-i-use-a-scale-factor-landsat-level-2-science-products tells of
names and values). Where a file is of this machine and not compressed, it is mapped, not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from pyarrow import fs

from tasks import rows

BAND = re.compile(r"(?P<scene>[^/]+)_B(?P<band>[45])\.TIFF?", re.IGNORECASE)
#: Tags of TIFF 6.0: Compression (1 is none), StripOffsets, StripByteCounts.
COMPRESSION, OFFSETS, COUNTS = 259, 273, 279
KINDS = (np.dtype(np.uint8), np.dtype(np.uint16))
# A scene of 15 m pixels is larger than what Pillow takes for an attack.
Image.MAX_IMAGE_PIXELS = None
Pixels = np.ndarray[Any, Any]


class SceneError(ValueError):
    """A scene that can't be computed."""


@dataclass(frozen=True)
class Scene:
    """Where a scene's bands are."""

    name: str
    red: str
    near: str
    system: Any


@dataclass(frozen=True)
class Bands:
    """A scene's pixels, in rows, or what is wrong with it."""

    name: str
    width: int
    height: int
    red: Pixels
    near: Pixels


def found(uri: str) -> list[Scene]:
    """List the scenes below a prefix, by name.

    Raises
    ------
    SceneError
        Where there is none, one lacks a band, or two have one name.
    """
    system, paths = rows.files(uri)
    bands: dict[str, dict[str, str]] = {}
    for path in paths:
        if told := BAND.fullmatch(path.rpartition("/")[2]):
            had = bands.setdefault(told["scene"], {})
            if told["band"] in had:
                raise SceneError(
                    f"While listing {uri}, found band {told['band']} of {told['scene']} twice. "
                    "Leave one there."
                )
            had[told["band"]] = path
    if not bands:
        raise SceneError(f"While listing {uri}, found no *_B4.TIF and *_B5.TIF. Upload scenes.")
    for name, had in bands.items():
        if lacking := {"4", "5"} - set(had):
            raise SceneError(
                f"While listing {uri}, found scene {name} without band {lacking.pop()}. Upload it."
            )
    return [Scene(n, bands[n]["4"], bands[n]["5"], system) for n in sorted(bands)]


def read(scenes: list[Scene]) -> Iterator[Bands | SceneError]:
    """Read scenes in turn, the next one while this one is computed; of one that fails, why."""
    with ThreadPoolExecutor(1) as ahead:
        waiting = ahead.submit(_bands, scenes[0])
        for following in [*scenes[1:], None]:
            given = waiting.result()
            if following:
                waiting = ahead.submit(_bands, following)
            yield given


def _bands(scene: Scene) -> Bands | SceneError:
    try:
        red, near = (_pixels(scene.system, path) for path in (scene.red, scene.near))
    except SceneError as fault:
        return SceneError(f"While reading scene {scene.name}, found {fault} Leave it out.")
    except (UnidentifiedImageError, OSError) as fault:
        return SceneError(f"While reading scene {scene.name}, found {fault}. Upload it again.")
    if red.shape != near.shape or red.dtype != near.dtype:
        sizes = " and ".join(f"{b.shape[1]} by {b.shape[0]} {b.dtype}" for b in (red, near))
        return SceneError(
            f"While reading scene {scene.name}, found bands 4 and 5 of different size: {sizes}. "
            "They must be of one scene. Upload them again, or leave it out by skip."
        )
    return Bands(scene.name, red.shape[1], red.shape[0], red.reshape(-1), near.reshape(-1))


def _pixels(system: Any, path: str) -> Pixels:
    source = path if isinstance(system, fs.LocalFileSystem) else system.open_input_file(path)
    with Image.open(source) as image:
        mapped = _mapped(image, path) if isinstance(source, str) else None
        pixels = np.asarray(image) if mapped is None else mapped
    if pixels.ndim != 2 or pixels.dtype not in KINDS:
        raise SceneError(
            f"{pixels.dtype} of shape {pixels.shape} in {path.rpartition('/')[2]}, "
            "where one band of 8 or 16 bits without sign is wanted."
        )
    return pixels


def _mapped(image: Any, path: str) -> Pixels | None:
    """Map a file whose pixels lie there as they are in memory; None where they don't."""
    kinds: dict[str, np.dtype[Any]] = {"L": np.dtype(np.uint8), "I;16": np.dtype("<u2")}
    tags = image.tag_v2 if image.format == "TIFF" else {}
    offsets, counts = tags.get(OFFSETS, ()), tags.get(COUNTS, ())
    if tags.get(COMPRESSION) != 1 or image.mode not in kinds or not offsets:
        return None
    ends = [at + size for at, size in zip(offsets, counts, strict=True)]
    dtype = kinds[image.mode]
    whole = image.height * image.width * dtype.itemsize
    if list(offsets[1:]) != ends[:-1] or ends[-1] - offsets[0] != whole or offsets[0] % 2:
        return None
    mapped: Pixels = np.memmap(path, dtype, "r", offsets[0], (image.height, image.width))
    return mapped
