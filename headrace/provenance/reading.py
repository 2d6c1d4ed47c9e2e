"""Asks the lake what it knows of runs: the table ``runs``, the pin, and answers."""

# ruff: noqa: S608 (this writes SQL: names are the plan's, strings pass `text`)

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import botocore.exceptions
import pyarrow as pa

from headrace.errors import HeadraceError
from headrace.plan import RUNS, RUNS_COLUMNS, Plan
from headrace.provenance.records import Pin, Run, StageRecord, gather, read

Ask = Callable[[str], pa.Table]


class NoSuchRunError(HeadraceError):
    """The lake has no record of a run."""


@dataclass(frozen=True)
class Lake:
    """Where a study's records are.

    Parameters
    ----------
    plan : Plan
    ask : callable
        Runs SQL in Athena and gives the rows.
    s3 : boto3 S3 client
    bucket : str
        The lake's.
    target : str
        The target that it is of, whose engines ran what its records tell.
    """

    plan: Plan
    ask: Ask
    s3: Any
    bucket: str
    target: str = "aws"

    def object(self, key: str) -> bytes | None:
        """The bytes of an object; None where there is none."""
        try:
            body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        return body


def runs(lake: Lake) -> list[Run]:
    """All runs, the newest first.

    Raises
    ------
    NoSuchRunError
        Where the study has nothing that runs.
    """
    return gather(map(read, _rows(lake, "")))


def run(lake: Lake, name: str) -> Run:
    """One run.

    Raises
    ------
    NoSuchRunError
        Where no stage of it was done.
    """
    found = gather(map(read, _rows(lake, f"WHERE run = {text(name)}")))
    if not found:
        raise NoSuchRunError(
            f"looking for run {name!r} of study {lake.plan.study.name}",
            "no stage of it in the table runs",
            f"`headrace runs {lake.plan.study.name}` lists the others; if it failed before a "
            f"stage was done, `headrace why {lake.plan.study.name} {name}` says why.",
        )
    return found[0]


def last_complete(lake: Lake) -> Run:
    """The newest run that did every stage of the study.

    Raises
    ------
    NoSuchRunError
        Where there is none.
    """
    wanted = [stage.name for stage in lake.plan.stages]
    for found in runs(lake):
        if not found.missing(wanted):
            return found
    raise NoSuchRunError(
        f"looking for a complete run of study {lake.plan.study.name}",
        f"none that did all of {', '.join(wanted)}",
        f"Start one with `headrace run {lake.plan.study.name}`, or name a run.",
    )


def _rows(lake: Lake, where: str) -> list[dict[str, Any]]:
    if not lake.plan.runs:
        raise NoSuchRunError(
            f"looking for runs of study {lake.plan.study.name}",
            "no stage that computes: it only lands records and asks queries",
            f"See its answers with `headrace report {lake.plan.study.name}`.",
        )
    rows: list[dict[str, Any]] = lake.ask(runs_sql(where)).to_pylist()
    return rows


def runs_sql(where: str = "") -> str:
    """The SQL that reads ``runs``, its times as timestamps in UTC."""
    columns = ", ".join(
        f"CAST({c.name} AT TIME ZONE 'UTC' AS timestamp) AS {c.name}"
        if c.type == "timestamptz"
        else f'"{c.name}"'
        for c in RUNS_COLUMNS
    )
    return f"SELECT {columns} FROM {RUNS} {where}".rstrip()


def pin(lake: Lake, run: Run) -> Pin | None:
    """What a run was pinned to; None where its ``run.json`` is gone."""
    body = lake.object(f"runs/{run.id}/run.json")
    return None if body is None else Pin.of(json.loads(body))


def stored_answer(lake: Lake, record: StageRecord) -> bytes | None:
    """The CSV that Athena wrote for a query of a run; None where it expired or isn't that one.

    ``done.json`` says where it is, and the checksum is that of its bytes.
    """
    body = lake.object(f"runs/{record.run}/{record.stage}/done.json")
    uri = json.loads(body).get("results") if body else None
    if not uri:
        return None
    key = uri.removeprefix(f"s3://{lake.bucket}/")
    csv = None if key == uri else lake.object(key)
    same = csv is not None and hashlib.sha256(csv).hexdigest() == record.output_checksum
    return csv if same else None


def text(value: str) -> str:
    """A value as SQL's literal."""
    return "'" + value.replace("'", "''") + "'"
