"""Reads a function's partial batch response.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import json
from collections.abc import Collection


def failures(payload: bytes, known: Collection[str]) -> set[str]:
    """The identifiers that a response reports as failed.

    Nothing, null, or an empty or null list is success. What can't be understood, an empty or
    unknown identifier among it, is the failure of the whole batch.

    Parameters
    ----------
    known : collection of str
        The batch's own identifiers.
    """
    try:
        response = json.loads(payload or b"null")
    except ValueError:
        return set(known)
    if response is None:
        return set()
    if not isinstance(response, dict):
        return set(known)
    items = response.get("batchItemFailures")
    if items is None:
        return set()
    if not isinstance(items, list):
        return set(known)
    named = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in items]
    if any(not isinstance(name, str) or name not in known for name in named):
        return set(known)
    return {name for name in named if isinstance(name, str)}
