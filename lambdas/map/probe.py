"""Gathers a stage's items, tries a few, and plans the calls; refuses what won't fit.

Limits of Lambda: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from headrace.lake import put_json
from lambdas.map import facts, items, sizing
from lambdas.map.call import Failure
from lambdas.map.errors import DoesNotFit, EveryProbeFailed
from lambdas.map.mapper import Mapper
from lambdas.map.supervisor import Answer, ChildBroken

#: Items that are tried, and for how long, but at least so many that all failing says something.
TRIED = 8
TRY_S = 1.0
TELLING = 3
#: Bytes of one payload.
PAYLOAD_BYTES = 6 * 1000 * 1000
LAMBDA_S = 900


def probe(mapper: Mapper, prefix: str, left_s: float) -> dict[str, Any]:
    """Prepare a try of a stage.

    Parameters
    ----------
    mapper : Mapper
    prefix : str
        Of the try.
    left_s : float
        Seconds that this call still has.

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
    if stage["prefix"]:
        found = items.of_prefix(mapper.s3, mapper.bucket, stage["prefix"])
    else:
        found = items.of_query(mapper.s3, mapper.bucket, prefix)
    _check_payload(stage["name"], found.table)
    answers = _try(mapper, found.table, deadline)
    _check_answers(stage, answers, mapper.supervisor.settle())
    measured = _measured(answers, found.table)
    size = stage["batch_items"] or sizing.batch_items(
        found.table.num_rows, measured, stage["concurrency"], stage["timeout_s"]
    )
    _check_time(stage, size, measured)
    return _write(mapper, prefix, found, answers, measured, size)


def _write(
    mapper: Mapper,
    prefix: str,
    found: items.Gathered,
    answers: Sequence[Answer],
    measured: sizing.Measured,
    size: int,
) -> dict[str, Any]:
    """Write the try's three objects, the facts last."""
    stage, count = mapper.stage, found.table.num_rows
    body = items.packed(found.table)
    batches = sizing.batches(count, size)
    mapper.put(f"{prefix}items.parquet", body)
    put_json(mapper.s3, mapper.bucket, f"{prefix}batches.json", batches)
    planned = {
        "items": count,
        "batches": len(batches),
        "batch_items": size,
        "batch_timeout_s": sizing.batch_timeout_s(
            size, measured.item_s, stage["item_timeout_s"], stage["timeout_s"]
        ),
        "concurrency": stage["concurrency"],
    }
    told = planned | {
        "item_s": measured.item_s,
        "import_s": mapper.supervisor.import_s,
        "peak_mib": mapper.supervisor.peak / (1 << 20),
        "tried": len(answers),
        "failed": sum(isinstance(a.answer, Failure) for a in answers),
        "workers": max(1, min(stage["concurrency"], len(batches))),
        "seed": mapper.seed,
        "code": mapper.code(),
        "libraries": facts.libraries(),
        "engine": facts.engine(),
        "files": found.files,
        "bytes_in": found.size,
        "input_checksum": hashlib.sha256(body).hexdigest(),
    }
    put_json(mapper.s3, mapper.bucket, f"{prefix}facts.json", told)
    return planned


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
            answers += mapper.supervisor.run([each], mapper.stage["item_timeout_s"], deadline)
            failing = all(isinstance(a.answer, Failure) for a in answers)
            late = time.monotonic() > enough and not (failing and len(answers) < TELLING)
            if late or _kind(answers[-1]) == "deadline":
                break
    except ChildBroken as error:
        raise EveryProbeFailed(
            f"While importing {mapper.stage['fn']} for stage {mapper.name}, found {error}. "
            "Correct the function, or add what it needs to the study's requirements.in."
        ) from error
    return answers


def _kind(answer: Answer) -> str:
    return answer.answer.kind if isinstance(answer.answer, Failure) else ""


def _check_payload(name: str, table: pa.Table) -> None:
    number, size = items.largest(table, PAYLOAD_BYTES)
    if number >= 0:
        raise DoesNotFit(
            f"While reading the items of stage {name}, found item {number} of {size / 1e6:.1f} MB "
            f"as JSON, beyond Lambda's payload of {PAYLOAD_BYTES / 1e6:.0f} MB. Give its "
            "location as an item, and read it in the function with headrace.lake.open_uri."
        )


def _check_answers(stage: dict[str, Any], answers: Sequence[Answer], peak_mib: float) -> None:
    """Refuse what can't go well, after what the tried items showed."""
    late = [a for a in answers if _kind(a) == "deadline"]
    if late:
        raise DoesNotFit(
            f"While trying item {late[0].number} of stage {stage['name']}, found it still running "
            f"after {late[0].seconds:.0f} s, where timeout_s={stage['timeout_s']} and Lambda gives "
            f"at most {LAMBDA_S} s. Split the items, or raise the function's timeout_s."
        )
    outgrown = [a for a in answers if _kind(a) == "memory"]
    if len(outgrown) * 2 > len(answers) or (not outgrown and peak_mib > stage["memory_mib"]):
        raise DoesNotFit(
            f"While trying {len(answers)} items of stage {stage['name']}, found a peak of "
            f"{peak_mib:.0f} MiB, where memory_mib={stage['memory_mib']} and Lambda gives at most "
            "10240. Raise the function's memory_mib, or read less at a time."
        )
    failures = [a for a in answers if isinstance(a.answer, Failure)]
    kinds = {_kind(a) for a in failures}
    if len(failures) == len(answers) >= TELLING and len(kinds) == 1:
        first = failures[0]
        said = first.answer.reason if isinstance(first.answer, Failure) else ""
        item = items.as_json(first.item).decode()[:300]
        raise EveryProbeFailed(
            f"While trying {len(answers)} items of stage {stage['name']}, found that all failed, "
            f"the first (item {first.number}: {item}) with: {said}. Correct the function; the "
            "whole traceback is in its log."
        )


def _check_time(stage: dict[str, Any], size: int, measured: sizing.Measured) -> None:
    predicted = size * measured.item_s
    if predicted > stage["timeout_s"]:
        raise DoesNotFit(
            f"While planning stage {stage['name']}, found {predicted:.0f} s for a call of {size} "
            f"items of {measured.item_s:.3g} s, beyond timeout_s={stage['timeout_s']} (Lambda's "
            f"most is {LAMBDA_S}). Lower batch_items, or leave it out."
        )


def _measured(answers: Sequence[Answer], table: pa.Table) -> sizing.Measured:
    """What an item takes; the first one's time holds what is made once, where others tell."""
    good = [a for a in answers if not isinstance(a.answer, Failure)]
    times = [a.seconds for a in (good[1:] if len(good) > TELLING else good)]
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
