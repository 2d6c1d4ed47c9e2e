"""Counts why items of a Map failed, in what its calls left under the try's prefix.

A stage that fails commits nothing, so its reasons are not in the table `quarantine` but in
``bad/`` and, for calls that ended without writing it, in what the map run left in ``results/``.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq

from headrace.causes import read_cause

#: Files that are read at most: enough to tell the common reasons.
MOST_FILES = 200
#: What the function `map` puts before a reason.
_ITEM = re.compile(r"^item \d+: ")


def reasons(s3: Any, bucket: str, prefix: str, most: int = 3) -> list[tuple[int, str]]:
    """The most common reasons, with how many items each has.

    Parameters
    ----------
    s3 : boto3 S3 client
    bucket, prefix : str
        The lake's, and the try's: ``runs/<run>/<stage>/<try>/``.
    most : int
        How many reasons.

    Returns
    -------
    list of (int, str)
        The most common first. Reasons that differ in numbers only are one, told by the first.
    """
    counts: Counter[str] = Counter()
    example: dict[str, str] = {}
    for count, reason in (*_bad(s3, bucket, prefix), *_ended(s3, bucket, prefix)):
        kind = re.sub(r"\d+", "#", reason)
        counts[kind] += count
        example.setdefault(kind, reason)
    return [(count, example[kind]) for kind, count in counts.most_common(most)]


def _bad(s3: Any, bucket: str, prefix: str) -> Iterator[tuple[int, str]]:
    # A batch that was tried again left another file beside its first: the newest one counts.
    newest = {key.rpartition("-")[0] or key: key for key in _keys(s3, bucket, f"{prefix}bad/")}
    for key in newest.values():
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        for reason in pq.read_table(io.BytesIO(body), columns=["reason"])["reason"].to_pylist():
            yield 1, _ITEM.sub("", first_line(str(reason)))


def _ended(s3: Any, bucket: str, prefix: str) -> Iterator[tuple[int, str]]:
    """Calls that ended without a result, as the map run's ResultWriter lists them.

    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
    """
    for key in _keys(s3, bucket, f"{prefix}results/"):
        if not re.search(r"/(FAILED|TIMED_OUT|ABORTED)_\d+\.json$", key):
            continue
        for one in json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()):
            said = read_cause(one.get("Error", one.get("Status", "")), one.get("Cause", ""))
            yield _items(one.get("Input", "")), f"{said.error}: {first_line(said.message)}"


def _items(given: str) -> int:
    """Items of a batch, by what the call was given."""
    try:
        told = json.loads(given)
        return int(told["last"]) - int(told["first"]) + 1
    except (TypeError, ValueError, KeyError):
        return 1


def _keys(s3: Any, bucket: str, prefix: str) -> list[str]:
    """Keys below a prefix, the oldest first."""
    found: list[Any] = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        found += page.get("Contents", ())
        if len(found) >= MOST_FILES:
            break
    return [o["Key"] for o in sorted(found[:MOST_FILES], key=lambda o: o["LastModified"])]


def first_line(text: str) -> str:
    """The first line of a text that has something in it."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
