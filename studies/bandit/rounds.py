"""The Map's function: reads the rounds of one file of the Open Bandit Dataset.

A file is CSV with a header, of which the columns ``timestamp``, ``item_id``, ``position``,
``click`` and ``propensity_score`` are read, by their names. A line that is no round is rejected
and told; a file that lacks a column is rejected whole.
"""

from __future__ import annotations

import codecs
import csv
import datetime
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from headrace.lake import Rejected, open_uri

WANTED = ("timestamp", "item_id", "position", "click", "propensity_score")


def rounds(item: dict[str, Any]) -> Iterator[dict[str, Any] | Rejected]:
    """Read one file.

    Parameters
    ----------
    item : dict
        ``uri`` of the file, whose name without ``.csv`` names the log.

    Yields
    ------
    dict or headrace.lake.Rejected
        A row of ``studies.bandit.study.Round`` a line; what is none.
    """
    log = PurePosixPath(item["uri"]).name.removesuffix(".csv")
    with open_uri(item["uri"]) as stream:
        lines = csv.reader(codecs.getreader("utf-8-sig")(stream, "replace"))
        header = next(lines, [])
        if missing := [name for name in WANTED if header.count(name) != 1]:
            told = ",".join(header).encode()[:4096]
            yield Rejected(f"{item['uri']} has no column {', '.join(missing)}, or two", told)
            return
        for number, fields in enumerate(lines):
            yield _round(log, number, dict(zip(header, fields, strict=False)), fields)


def _round(log: str, number: int, told: dict[str, str], fields: list[str]) -> Any:
    try:
        shown = datetime.datetime.fromisoformat(told["timestamp"])
        item, position = int(told["item_id"]), int(told["position"])
        click, propensity = int(told["click"]), float(told["propensity_score"])
    except (KeyError, ValueError) as error:
        return _rejected(log, number, f"{type(error).__name__}: {error}", fields)
    if click not in (0, 1) or not 0 < propensity <= 1:
        why = f"click {click}, propensity_score {propensity}"
        return _rejected(log, number, why, fields)
    return {
        "log": log,
        "number": number,
        "shown": shown if shown.tzinfo else shown.replace(tzinfo=datetime.UTC),
        "item": item,
        "position": position,
        "click": click,
        "propensity": propensity,
    }


def _rejected(log: str, number: int, why: str, fields: list[str]) -> Rejected:
    return Rejected(f"round {number} of {log}, counted from 0: {why}", ",".join(fields).encode())
