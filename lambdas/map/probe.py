"""Gathers a stage's items, tries a few, and plans the calls; refuses what won't fit.

Two probes of one try may run side by side: a call that is made again doesn't end the first. What
is written first stays, and each object follows from those before it, so both plan the same. ::

    items.parquet ──▶ batches.json ──▶ facts.json ──▶ out/ of batches that were tried whole
"""

from __future__ import annotations

import hashlib
import io
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.lake import get_json, json_body
from lambdas.map import facts, fits, items, sizing
from lambdas.map.call import Failure
from lambdas.map.errors import EveryProbeFailed
from lambdas.map.kept import Kept
from lambdas.map.mapper import Mapper
from lambdas.map.output import Output
from lambdas.map.supervisor import Answer, ChildBroken

#: Items that are tried, and for how long.
TRIED = 8
TRY_S = 1.0
#: A batch that took less is run again: to write it here, one by one, gains nothing.
KEEP_S = 0.1
#: Of the facts, what the state machine is told.
PLANNED = ("items", "batches", "batch_items", "batch_timeout_s", "concurrency")


def probe(mapper: Mapper, prefix: str, left_s: float, workers: int | None = None) -> dict[str, Any]:
    """Prepare a try of a stage.

    Parameters
    ----------
    mapper : Mapper
    prefix : str
        Of the try.
    left_s : float
        Seconds that this call still has.
    workers : int, optional
        Calls at a time, where the run asks for others than the study.

    Returns
    -------
    dict
        ``items``, ``batches``, ``batch_items``, ``batch_timeout_s``, ``concurrency``.

    Raises
    ------
    DoesNotFit
        Where an item takes longer than the function may, more memory, or more bytes.
    EveryProbeFailed
        Where all that were tried failed alike, or the function can't be imported.
    """
    stage, deadline = mapper.stage, mapper.deadline(left_s)
    held = get_json(mapper.s3, mapper.bucket, f"{prefix}facts.json")
    if held:
        return _planned(held)
    mapper.supervisor.peak = 0
    concurrency = workers or stage["concurrency"]
    found, checksum = _gather(mapper, prefix)
    fits.check_payload(stage["name"], found.table)
    answers = _try(mapper, found.table, deadline)
    fits.check_answers(stage, answers, mapper.supervisor.settle())
    measured = _measured(answers, found.table)
    size = stage["batch_items"] or sizing.batch_items(
        found.table.num_rows, measured, concurrency, stage["timeout_s"]
    )
    fits.check_time(stage, size, measured)
    fits.check_batches(stage, size, found.table.num_rows)
    return _write(mapper, prefix, found, checksum, answers, measured, size, concurrency)


def _gather(mapper: Mapper, prefix: str) -> tuple[items.Gathered, str]:
    """The items that are written, and their SHA-256."""
    stage = mapper.stage
    if stage["prefix"]:
        found = items.of_prefix(mapper.s3, mapper.bucket, stage["prefix"])
    else:
        found = items.of_query(mapper.s3, mapper.bucket, prefix)
    body = items.packed(found.table)
    held = _once(mapper, f"{prefix}items.parquet", body)
    if held != body:  # objects came or went between the two listings
        table = pq.read_table(io.BytesIO(held))
        found = items.of_objects(mapper.bucket, table) if stage["prefix"] else found
        found.table = table
    return found, hashlib.sha256(held).hexdigest()


def _once(mapper: Mapper, key: str, body: bytes) -> bytes:
    """Write an object unless it is there; gives what is there."""
    while mapper.put_unless(key, body) is None:
        try:
            told = mapper.s3.get_object(Bucket=mapper.bucket, Key=key)
        except mapper.s3.exceptions.NoSuchKey:  # whoever was writing it gave up
            continue
        found: bytes = told["Body"].read()
        return found
    return body


def _write(
    mapper: Mapper,
    prefix: str,
    found: items.Gathered,
    checksum: str,
    answers: Sequence[Answer],
    measured: sizing.Measured,
    size: int,
    concurrency: int,
) -> dict[str, Any]:
    """Write the plan, the facts last."""
    stage, count = mapper.stage, found.table.num_rows
    wanted = json_body(sizing.batches(count, size))
    batches = json.loads(_once(mapper, f"{prefix}batches.json", wanted))
    if batches:
        size = batches[0]["last"] + 1 if len(batches) > 1 else max(size, count)
    planned = {
        "items": count,
        "batches": len(batches),
        "batch_items": size,
        "batch_timeout_s": sizing.batch_timeout_s(
            size, measured.item_s, stage["item_timeout_s"], stage["timeout_s"]
        ),
        "concurrency": concurrency,
    }
    batched = _whole(answers, size, count)
    told = planned | {
        "kept": sorted(batched),
        "item_s": measured.item_s,
        "import_s": mapper.supervisor.import_s,
        "peak_mib": mapper.supervisor.peak / (1 << 20),
        "tried": len(answers),
        "failed": sum(isinstance(a.answer, Failure) for a in answers),
        "workers": max(1, min(concurrency, len(batches))),
        "seed": mapper.seed,
        "code": mapper.code(),
        "libraries": facts.libraries(),
        "engine": facts.engine(),
        "files": found.files,
        "bytes_in": found.size,
        "input_checksum": checksum,
    }
    held = json.loads(_once(mapper, f"{prefix}facts.json", json_body(told)))
    _keep(mapper, prefix, {first: batched[first] for first in held["kept"] if first in batched})
    return _planned(held)


def _whole(answers: Sequence[Answer], size: int, count: int) -> dict[int, list[Answer]]:
    """Batches, by their first item, of which every item was tried and none failed."""
    good = {a.number: a for a in answers if not isinstance(a.answer, Failure)}
    spans = {n - n % size: range(n - n % size, min(n - n % size + size, count)) for n in good}
    return {
        first: [good[n] for n in span]
        for first, span in spans.items()
        if all(n in good for n in span) and sum(good[n].seconds for n in span) >= KEEP_S
    }


def _keep(mapper: Mapper, prefix: str, batched: dict[int, list[Answer]]) -> None:
    """Write what whole batches gave, as their calls would: items that take long run once."""
    for first, answers in batched.items():
        output = Output(mapper.name, mapper.stage["columns"])
        for each in answers:
            output.add(each.number, each.item, each.answer)
        output.ms = 1000 * sum(a.seconds for a in answers)
        Kept(mapper, prefix, first).write(output, mapper.supervisor.peak / (1 << 20), None, 0)


def _planned(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in PLANNED}


def _try(mapper: Mapper, table: pa.Table, deadline: float) -> list[Answer]:
    """Run a few items, spread over all of them."""
    count = min(TRIED, table.num_rows)
    places = sorted({n * table.num_rows // count for n in range(count)})
    chosen = [(n, table.slice(n, 1).to_pylist()[0]) for n in places]
    answers: list[Answer] = []
    enough = time.monotonic() + TRY_S
    try:
        # One by one: a message of all would go on after enough were tried.
        for each in chosen:
            told = [*mapper.supervisor.run([each], mapper.stage["item_timeout_s"], deadline)]
            answers += told
            if not answers:
                raise ChildBroken("that it took longer than the call has")
            failing = all(isinstance(a.answer, Failure) for a in answers)
            late = time.monotonic() > enough and not (failing and len(answers) < fits.TELLING)
            if late or not told or fits.kind(answers[-1]) == "deadline":
                break
    except ChildBroken as error:
        raise EveryProbeFailed(
            f"While importing {mapper.stage['fn']} for stage {mapper.name}, found {error}. "
            "Correct the function, or add what it needs to the study's requirements.in."
        ) from error
    return answers


def _measured(answers: Sequence[Answer], table: pa.Table) -> sizing.Measured:
    """What an item takes; the first one's time holds what is made once, where others tell."""
    good = [a for a in answers if not isinstance(a.answer, Failure)]
    times = [a.seconds for a in (good[1:] if len(good) > fits.TELLING else good)]
    rows = [
        sum(len(str(v)) + 8 for row in a.answer.rows for v in row)
        for a in good
        if not isinstance(a.answer, Failure)
    ]
    return sizing.Measured(
        statistics.mean(times) if times else max((a.seconds for a in answers), default=0.0),
        table.nbytes / max(1, table.num_rows),
        statistics.mean(rows) if rows else 0.0,
    )
