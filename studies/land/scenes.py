"""The Map's function: NDVI of one Landsat scene in NumPy, (B5 - B4) / (B5 + B4).

The reference for ``tasks/gpu/ndvi.py``: the same pixels (those where both bands are > 0), the same
precision, and the mean of an exact sum, so that the two are equal to the last bit. Items are
files: that of band 4 stands for its scene, and opens band 5 beside it.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from botocore.exceptions import ClientError
from PIL import Image, UnidentifiedImageError

from headrace.lake import Rejected, open_uri

BAND = re.compile(r"(?P<scene>[^/]+)_B(?P<band>[45])\.TIFF?", re.IGNORECASE)
OTHER = {"4": "5", "5": "4"}
PRECISIONS = ("float64", "float32")
KINDS = (np.dtype(np.uint8), np.dtype(np.uint16))
#: Pixels of which all steps are in memory at a time; a scene has some 60 million.
CHUNK = 1 << 20
# A mosaic of scenes is larger than what Pillow takes for an attack.
Image.MAX_IMAGE_PIXELS = None
Pixels = npt.NDArray[Any]


class BandError(ValueError):
    """A file that is no band."""


def greenness(item: dict[str, Any], params: dict[str, Any]) -> Iterator[dict[str, Any] | Rejected]:
    """Compute the scene of one file, if the file is its band 4.

    Parameters
    ----------
    item : dict
        ``uri`` of the file. Other bands, quality and metadata files give nothing.
    params : dict
        ``precision``, ``"float64"`` or ``"float32"``.

    Yields
    ------
    dict or headrace.lake.Rejected
        A row of ``studies.land.study.Greenness``; why a scene has none: it lacks a band, a band
        can't be read, the two differ in size, or no pixel has both.

    Raises
    ------
    ValueError
        For another precision.
    """
    uri, precision = item["uri"], params["precision"]
    if precision not in PRECISIONS:
        raise ValueError(
            f"While computing NDVI, found precision {precision!r}. Give one of {PRECISIONS}."
        )
    if (told := BAND.fullmatch(uri, uri.rfind("/") + 1)) is None:
        return
    beside = uri[: told.start("band")] + OTHER[told["band"]] + uri[told.end("band") :]
    other = _read(beside, told["band"] == "4")
    if other is None:
        yield Rejected(f"scene {told['scene']} lacks band {OTHER[told['band']]}: no {beside}")
    elif told["band"] == "4":
        red = _read(uri) or b""
        yield _row(told["scene"], red, other, np.dtype(precision))


def ndvi(red: Pixels, near: Pixels, real: np.dtype[Any]) -> Pixels:
    """NDVI of the pixels where both bands are > 0.

    Parameters
    ----------
    red, near : ndarray
        Bands 4 and 5, whole numbers of one shape.
    real : dtype
        In which it is computed.

    Returns
    -------
    ndarray
        Of `real`, -1 to 1; as many as there are such pixels.
    """
    there = (red > 0) & (near > 0)
    r, n = red[there].astype(real), near[there].astype(real)
    return np.asarray((n - r) / (n + r))


def mean(red: Pixels, near: Pixels, real: np.dtype[Any], chunk: int = CHUNK) -> tuple[float, int]:
    """Mean NDVI of the pixels where both bands are > 0 (NaN where none is), and how many they are.

    The sum is exact, and rounded once: it doesn't depend on chunks.

    Parameters
    ----------
    red, near : ndarray
        Bands 4 and 5, whole numbers in one dimension.
    real : dtype
        In which NDVI is computed.
    chunk : int
        Pixels that are computed at a time.
    """
    counts: list[int] = []

    def values() -> Iterator[float]:
        for at in range(0, red.size, chunk):
            some = ndvi(red[at : at + chunk], near[at : at + chunk], real)
            counts.append(some.size)
            yield from some.tolist()

    total = math.fsum(values())
    pixels = sum(counts)
    return (total / pixels if pixels else math.nan), pixels


def _row(
    scene: str, red_file: bytes, near_file: bytes, real: np.dtype[Any]
) -> dict[str, Any] | Rejected:
    try:
        red, near = _pixels(red_file), _pixels(near_file)
    except (UnidentifiedImageError, OSError, BandError) as fault:
        return Rejected(f"scene {scene} can't be read: {fault}")
    if red.shape != near.shape or red.dtype != near.dtype:
        sizes = " and ".join(f"{b.shape[1]} by {b.shape[0]} {b.dtype}" for b in (red, near))
        return Rejected(f"scene {scene} has bands 4 and 5 of different size: {sizes}")
    average, pixels = mean(red.reshape(-1), near.reshape(-1), real)
    if not pixels:
        return Rejected(f"scene {scene} is empty: none of {red.size} pixels has both bands > 0")
    height, width = red.shape
    return {"scene": scene, "pixels": pixels, "mean": average, "width": width, "height": height}


def _pixels(file: bytes) -> Pixels:
    with Image.open(io.BytesIO(file)) as image:
        pixels = np.asarray(image)
    if pixels.ndim != 2 or pixels.dtype not in KINDS:
        raise BandError(
            f"{pixels.dtype} of shape {pixels.shape}, where one band of 8 or 16 bits without sign "
            "is wanted"
        )
    return pixels


def _read(uri: str, whole: bool = True) -> bytes | None:
    """The bytes of a file, none of them where they aren't wanted; None where there is no file."""
    try:
        stream = open_uri(uri)
    except FileNotFoundError:
        return None
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return None
    try:
        return stream.read() if whole else b""
    finally:
        stream.close()
