"""Checksums of objects as S3 gives them: verified, and joined over the parts of an upload.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable
from functools import cache

#: Bits and reflected polynomial of the cyclic codes.
POLYNOMIALS = {
    "CRC32": (32, 0xEDB88320),
    "CRC32C": (32, 0x82F63B78),
    "CRC64NVME": (64, 0x9A6C9329AC4BC9B5),
}
#: What can be computed at the speed of the disk; the others are a byte at a time here.
FAST = ("CRC32", "SHA1", "SHA256")
ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")


def checksum(blocks: Iterable[bytes], algorithm: str) -> str:
    """The base64 checksum of blocks of bytes.

    Raises
    ------
    ValueError
        For an algorithm that is none of `ALGORITHMS`.
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(f"unknown checksum algorithm {algorithm}")
    if algorithm in POLYNOMIALS:
        crc, step = 0, _step(algorithm)
        for block in blocks:
            crc = step(block, crc)
        return _encode(crc, algorithm)
    digest = hashlib.new(algorithm.lower(), usedforsecurity=False)
    for block in blocks:
        digest.update(block)
    return base64.b64encode(digest.digest()).decode()


def _step(algorithm: str) -> Callable[[bytes, int], int]:
    if algorithm == "CRC32":
        return zlib.crc32
    bits, _ = POLYNOMIALS[algorithm]
    table, ones = _table(algorithm), (1 << bits) - 1

    def step(block: bytes, crc: int) -> int:
        crc ^= ones
        for byte in block:
            crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
        return crc ^ ones

    return step


@cache
def _table(algorithm: str) -> list[int]:
    _, polynomial = POLYNOMIALS[algorithm]
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


def _encode(crc: int, algorithm: str) -> str:
    return base64.b64encode(crc.to_bytes(POLYNOMIALS[algorithm][0] // 8, "big")).decode()


def composite(parts: list[str], algorithm: str) -> str:
    """The checksum of the parts' checksums; S3 shows it with ``-N`` for N parts."""
    return checksum([b"".join(base64.b64decode(p) for p in parts)], algorithm)


def full_object(parts: list[tuple[str, int]], algorithm: str) -> str:
    """The checksum of the whole from those of its parts and their sizes, without reading it.

    A cyclic code of ``a + b`` is that of `a`, moved on by as many zero bytes as `b` has,
    added to that of `b` (zlib's ``crc32_combine``).
    """
    crc = 0
    for encoded, size in parts:
        crc = _shift(crc, size, algorithm) ^ int.from_bytes(base64.b64decode(encoded), "big")
    return _encode(crc, algorithm)


def _shift(crc: int, zeros: int, algorithm: str) -> int:
    bits, polynomial = POLYNOMIALS[algorithm]
    move = [polynomial] + [1 << n for n in range(bits - 1)]  # by one zero bit
    for _ in range(3):
        move = [_times(move, column) for column in move]  # by one zero byte
    while zeros:
        if zeros & 1:
            crc = _times(move, crc)
        move = [_times(move, column) for column in move]
        zeros >>= 1
    return crc


def _times(matrix: list[int], vector: int) -> int:
    total, row = 0, 0
    while vector:
        if vector & 1:
            total ^= matrix[row]
        vector >>= 1
        row += 1
    return total
