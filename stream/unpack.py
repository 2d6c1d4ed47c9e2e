"""Decompresses what others sent, at a cost that doesn't depend on what it claims to be."""

from __future__ import annotations

import zlib

import zstandard

ZSTD = b"\x28\xb5\x2f\xfd"
GZIP = b"\x1f\x8b"
_WINDOW_BYTES = 64 << 20  # what a zstd frame may want kept while it is read
# A zstd block, of 4 bytes at least, gives 128 KiB at most (RFC 8878, 3.1.1.2.4): 1 KiB read at
# a time bounds what one step can add to 32 MiB, whatever the frame claims.
_STEP_BYTES = 1024


class UnpackError(ValueError):
    """Bytes that can't be decompressed, or to too many."""


def unzstd(data: bytes, cap: int) -> bytes:
    """Decompress one zstd frame, with nothing after it.

    Raises
    ------
    UnpackError
        With the reason, in words fit for the quarantine table.
    """
    try:
        claimed = zstandard.get_frame_parameters(data).content_size
        if claimed != zstandard.CONTENTSIZE_UNKNOWN and claimed > cap:
            raise UnpackError(_bomb(cap))
        reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).decompressobj()
        text, at = bytearray(), 0
        while at < len(data) and not reader.eof:
            text += reader.decompress(data[at : at + _STEP_BYTES])
            at += _STEP_BYTES
            if len(text) > cap:
                raise UnpackError(_bomb(cap))
    except zstandard.ZstdError as error:
        raise UnpackError(f"zstd block is damaged: {error}") from error
    if not reader.eof:
        raise UnpackError(f"zstd block ends early, after {len(data)} bytes")
    _refuse_tail("zstd block", len(reader.unused_data) + max(0, len(data) - at))
    return bytes(text)


def gunzip(data: bytes, cap: int) -> bytes:
    """Decompress one gzip member, with nothing after it.

    Raises
    ------
    UnpackError
        With the reason, in words fit for the quarantine table.
    """
    reader = zlib.decompressobj(wbits=31)  # a gzip header and trailer
    try:
        text = reader.decompress(data, cap + 1)
    except zlib.error as error:
        raise UnpackError(f"gzip block is damaged: {error}") from error
    if len(text) > cap:
        raise UnpackError(_bomb(cap))
    if not reader.eof:
        raise UnpackError(f"gzip block ends early, after {len(data)} bytes")
    _refuse_tail("gzip block", len(reader.unused_data))
    return text


def _bomb(cap: int) -> str:
    return f"block decompresses to more than the {cap} bytes allowed"


def _refuse_tail(what: str, extra: int) -> None:
    if extra:
        raise UnpackError(f"{what} is followed by {extra} bytes that belong to nothing")
