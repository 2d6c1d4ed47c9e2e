"""Finds what a step of a cluster said while it failed, in the logs that EMR keeps in S3.

::

    <LogUri>/<cluster>/steps/<step>/{stderr,syslog,stdout,controller}.gz
    <LogUri>/<cluster>/containers/<application>/<container>/{stderr,stdout,syslog}.gz

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-web-log-files.html
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from headrace.lake import listed

#: Of each file its last bytes, and of containers the first so many are read.
MOST_BYTES = 1 << 20
MOST_FILES = 40
_APPLICATION = re.compile(r"\bapplication_\d+_\d+\b")

#: What says most comes first.
_TELLING = (
    re.compile(r"Container.*(killed|beyond).*memory|OutOfMemoryError|^MemoryError", re.I),
    re.compile(r"Input (path|Pattern).*(does not exist|matches 0 files)|Path does not exist"),
    re.compile(r"Output directory .* already exists|path .* already exists", re.I),
)
_ENDS = re.compile(r"^[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Warning|Failure)\b")
_JAVA = re.compile(r'^Exception in thread "[^"]+" (.+)|ERROR .*?(Exception.*)')


def lines(s3: Any, log_file: str) -> list[str]:
    """What a step and its containers said.

    Parameters
    ----------
    s3 : S3 client
    log_file : str
        ``s3://…/<cluster>/steps/<step>/stderr.gz``, as EMR's FailureDetails name it.

    Returns
    -------
    list of str
        Empty where nothing is there (yet): EMR copies logs every five minutes.
    """
    bucket, _, key = log_file.split("://", 1)[-1].partition("/")
    root, between, rest = key.partition("/steps/")
    if not between:
        return []
    folder = f"{root}/steps/{rest.partition('/')[0]}/"
    own: list[str] = []
    for name in ("stderr", "syslog", "stdout", "controller"):
        own += _read(s3, bucket, f"{folder}{name}.gz")
    applications = list(dict.fromkeys(m for line in own for m in _APPLICATION.findall(line)))
    inner: list[str] = []
    for file in _containers(s3, bucket, root, applications):
        inner += _read(s3, bucket, file)
    return [*inner, *own]


def _containers(s3: Any, bucket: str, root: str, applications: Sequence[str]) -> Iterator[str]:
    count = 0
    for application in applications:
        for told in listed(s3, bucket, f"{root}/containers/{application}/"):
            if told["Key"].rsplit("/", 1)[-1].partition(".")[0] in ("stderr", "stdout"):
                yield told["Key"]
                count += 1
            if count == MOST_FILES:
                return


def _read(s3: Any, bucket: str, key: str) -> list[str]:
    """The last lines of a log; none where it isn't there."""
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    except s3.exceptions.NoSuchKey:
        return []
    unpacked, last = zlib.decompressobj(31), b""  # 31: gzip's header
    while data := body.read(1 << 20):
        last = (last + unpacked.decompress(data))[-MOST_BYTES:]
    return (last + unpacked.flush())[-MOST_BYTES:].decode(errors="replace").splitlines()


def first_useful(said: Sequence[str]) -> str:
    """The line that says what went wrong; empty where none does.

    Memory, a missing input and an output that is there are told by many other lines after them,
    so they come before a traceback's last line, and that before Java's.
    """
    for telling in _TELLING:
        for line in said:
            if telling.search(line):
                return " ".join(line.split())
    found = ""
    inside = False
    for line in said:
        if line.startswith("Traceback (most recent call last)"):
            inside = True
        elif inside and line[:1].strip():
            found, inside = line, False
    if not found:
        found = next((line for line in said if _ENDS.match(line)), "")
    if not found:
        java = (_JAVA.search(line) for line in said)
        found = next((m[1] or m[2] for m in java if m), "")
    return " ".join(found.split())
