"""Runs of several shapes, as their records would tell them."""

from __future__ import annotations

import datetime
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from headrace.plan import Plan, plan_of
from headrace.provenance.counting import Rejects, Source
from headrace.provenance.methods import Facts
from headrace.provenance.records import Pin, Run, StageRecord, read
from headrace.study import Kinesis, Map, Query, Study, Table

NOON = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
SENTENCES, SCORES = 4349952594770251982, 1751198164992447838
A, B = "20261122t120000-aaaa", "20261123t090000-bbbb"


@dataclass(frozen=True)
class Sentence:
    text: str


@dataclass(frozen=True)
class Score:
    text: str
    score: float | None
    blob: bytes | None
    at: datetime.datetime


STUDY = Study(
    name="news",
    question="How do readers rate <news> & “views”?",
    seed=25,
    source=Kinesis(shards=1),
    tables=[Table("sentences", Sentence)],
    stages=[
        Map("scores", "studies.news.sentiment:score", "SELECT text FROM sentences", Score),
        Query("agreement", "SELECT avg(score) AS mean FROM scores"),
    ],
)
PLAN: Plan = plan_of(STUDY)


def row(**other: Any) -> dict[str, Any]:
    """A row of `runs` of the Map stage; what is given replaces its columns."""
    told: dict[str, Any] = {
        "run": A,
        "stage": "scores",
        "attempt": 1,
        "kind": "map",
        "table": "scores",
        "code": "c0de" * 16,
        "seed": 25,
        "params": json.dumps({"lexicon": "VADER_2014"}),
        "engine": "AWS Lambda, Python 3.13.1, arm64",
        "libraries": json.dumps(
            {"pyarrow": "26.0.0", "vadersentiment": "3.3.2", "requests": "2.32.5"}
        ),
        "workers": 8,
        "sql": f"SELECT text FROM sentences FOR VERSION AS OF {SENTENCES}",
        "snapshots": json.dumps({"sentences": SENTENCES}),
        "files": json.dumps([f"runs/{A}/scores/1-00c0ffee/in/part-0.parquet"]),
        "items": 5190,
        "rows_out": 5178,
        "quarantined": 12,
        "bytes_in": 400_000,
        "bytes_out": 90_000,
        "input_checksum": "1e" * 32,
        "output_checksum": "0f" * 32,
        "snapshot": SCORES,
        "scanned_bytes": 400_000,
        "engine_s": 31.5,
        "cost_usd": 0.0012,
        "started": NOON,
        "ended": NOON + datetime.timedelta(seconds=42),
    }
    return told | other


def query_row(snapshot: int = SCORES, **other: Any) -> dict[str, Any]:
    """A row of `runs` of the Query stage."""
    told = {
        "stage": "agreement",
        "kind": "query",
        "table": None,
        "code": "5e" * 32,
        "params": "{}",
        "engine": "Athena engine version 3",
        "libraries": "{}",
        "workers": 1,
        "sql": f"SELECT avg(score) AS mean FROM scores FOR VERSION AS OF {snapshot}",
        "snapshots": json.dumps({"scores": snapshot}),
        "files": "[]",
        "items": 0,
        "rows_out": 1,
        "quarantined": 0,
        "input_checksum": f"{snapshot:064x}",
        "output_checksum": "aa" * 32,
        "snapshot": None,
        "cost_usd": 0.00005,
        "started": NOON + datetime.timedelta(seconds=43),
        "ended": NOON + datetime.timedelta(seconds=45),
    }
    return row(**(told | other))


def record(**other: Any) -> StageRecord:
    return read(row(**other))


def run(*rows: Mapping[str, Any]) -> Run:
    """A run of these rows, both stages where there are none."""
    records = tuple(map(read, rows or (row(), query_row())))
    return Run(records[0].run, records)


def second(scores: Mapping[str, Any] | None = None, **query: Any) -> Run:
    """Another run, with tables of its own; what is given replaces columns of its stages."""
    day = datetime.timedelta(hours=21)
    times = {"started": NOON + day, "ended": NOON + day + datetime.timedelta(seconds=40)}
    changed = {"run": B, "snapshot": SCORES + 1, **times, **(scores or {})}
    late = {"started": times["ended"], "ended": times["ended"]}
    return run(row(**changed), query_row(SCORES + 1, run=B, **late, **query))


def pin(again: str | None = None) -> Pin:
    told: dict[str, Any] = {"run": A, "started": "2026-11-22T11:59:58+00:00"}
    told["snapshots"] = {"sentences": SENTENCES, "scores": None}
    return Pin.of(told | ({"again": again} if again else {}))


def facts(of: Run | None = None, **other: Any) -> Facts:
    told: dict[str, Any] = {
        "study": STUDY.name,
        "question": STUDY.question,
        "run": of or run(),
        "pin": pin(),
        "version": "0.1.0",
        "sources": [
            Source(
                "sentences",
                SENTENCES,
                5190,
                ("shardId-000000000000",),
                5,
                (("text: no str", 3), ("not JSON", 2)),
            )
        ],
        "rejects": {"scores": Rejects(12, 12, (("ValueError: no word", 9), ("TimedOut", 3)))},
        "direct": frozenset({"pyarrow", "vadersentiment"}),
        "stages": ("scores", "agreement"),
    }
    return Facts(**told | other)


class Objects:
    """An S3 client over a dict of keys, of the calls that provenance makes."""

    def __init__(self, held: Mapping[str, bytes] | None = None) -> None:
        self.held = dict(held or {})

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - AWS's names
        if Key not in self.held:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.held[Key])}

    def get_paginator(self, operation: str) -> Objects:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        found = [{"Key": key} for key in sorted(self.held) if key.startswith(Prefix)]
        return [{"Contents": found}] if found else [{}]


class Answers:
    """Athena as a list of patterns and rows; UNLOAD writes its rows where it is told to.

    Parameters
    ----------
    objects : Objects
    known : list of (pattern, rows)
        The first pattern that a statement has decides; rows may be an error to raise.
    """

    def __init__(self, objects: Objects, known: list[tuple[str, Any]]) -> None:
        self.objects, self.known = objects, known
        self.asked: list[str] = []

    def __call__(self, sql: str) -> pa.Table:
        self.asked.append(sql)
        rows = next(rows for pattern, rows in self.known if re.search(pattern, sql))
        if isinstance(rows, Exception):
            raise rows
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
        if to := re.match(r"UNLOAD .* TO 's3://[^/]+/([^']+)'", sql, re.DOTALL):
            for number, part in enumerate((table.slice(2), table.slice(0, 2))):  # in no order
                told = io.BytesIO()
                pq.write_table(part, told)
                self.objects.held[f"{to[1]}part-{number}"] = told.getvalue()
            return pa.table({})
        return table


def naive(told: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `runs` as Athena gives it: times in UTC without a zone."""
    return {k: v.replace(tzinfo=None) if k in ("started", "ended") else v for k, v in told.items()}
