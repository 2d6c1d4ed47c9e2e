"""What Hadoop does between two tasks of a job: partitions by a key's hash, sorted by its bytes."""

from __future__ import annotations

from collections.abc import Iterable


def tabbed(given: bytes) -> bytes:
    """Lines as Hadoop hands them on: a line without a tab is a key, whose value is empty."""
    lines = given.split(b"\n")
    last = lines.pop()
    whole = [line if b"\t" in line else line + b"\t" for line in lines]
    if last:
        whole.append(last if b"\t" in last else last + b"\t")
    return b"".join(line + b"\n" for line in whole)


def shuffled(splits: Iterable[bytes], reducers: int, *, by_line: bool) -> list[bytes]:
    """Lines in partitions, each sorted by key; by all of the line where values are sorted."""
    parts: list[list[bytes]] = [[] for _ in range(reducers)]
    for split in splits:
        for line in split.splitlines(keepends=True):
            parts[partition(_key(line), reducers)].append(line)
    for part in parts:
        part.sort(key=None if by_line else _key)
    return [b"".join(part) for part in parts]


def _key(line: bytes) -> bytes:
    return line.partition(b"\t")[0]


def partition(key: bytes, reducers: int) -> int:
    """The partition of a key: Hadoop's ``HashPartitioner`` on its ``Text``.

    https://github.com/apache/hadoop/blob/rel/release-3.4.1/hadoop-common-project/hadoop-common/
    src/main/java/org/apache/hadoop/io/WritableComparator.java (``hashBytes``; bytes are signed)
    """
    told = 1
    for byte in key:
        told = (31 * told + (byte - 256 if byte > 127 else byte)) & 0xFFFFFFFF
    return (told & 0x7FFFFFFF) % reducers
