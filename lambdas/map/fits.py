"""Refuses a stage that can't go well, before anything is launched.

Limits of Lambda: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from lambdas.map import items, sizing
from lambdas.map.call import Failure
from lambdas.map.errors import DoesNotFit, EveryProbeFailed
from lambdas.map.supervisor import Answer

#: As many at least that all failing says something.
TELLING = 3
#: Bytes of one payload.
PAYLOAD_BYTES = 6 * 1000 * 1000
LAMBDA_S = 900


def kind(answer: Answer) -> str:
    """Of what kind a failure is; empty where it is none."""
    return answer.answer.kind if isinstance(answer.answer, Failure) else ""


def check_payload(name: str, table: pa.Table) -> None:
    """Refuse an item that no call can be given."""
    number, size = items.largest(table, PAYLOAD_BYTES)
    if number >= 0:
        raise DoesNotFit(
            f"While reading the items of stage {name}, found item {number} of {size / 1e6:.1f} MB "
            f"as JSON, beyond Lambda's payload of {PAYLOAD_BYTES / 1e6:.0f} MB. Give its "
            "location as an item, and read it in the function with headrace.lake.open_uri."
        )


def check_answers(stage: dict[str, Any], answers: Sequence[Answer], peak_mib: float) -> None:
    """Refuse what can't go well, after what the tried items showed."""
    late = [a for a in answers if kind(a) == "deadline"]
    if late:
        raise DoesNotFit(
            f"While trying item {late[0].number} of stage {stage['name']}, found it still running "
            f"after {late[0].seconds:.0f} s, where timeout_s={stage['timeout_s']} and Lambda gives "
            f"at most {LAMBDA_S} s. Split the items, or raise the function's timeout_s."
        )
    outgrown = [a for a in answers if kind(a) == "memory"]
    if len(outgrown) * 2 > len(answers) or (not outgrown and peak_mib > stage["memory_mib"]):
        raise DoesNotFit(
            f"While trying {len(answers)} items of stage {stage['name']}, found a peak of "
            f"{peak_mib:.0f} MiB, where memory_mib={stage['memory_mib']} and Lambda gives at most "
            "10240. Raise the function's memory_mib, or read less at a time."
        )
    failures = [a for a in answers if isinstance(a.answer, Failure)]
    kinds = {kind(a) for a in failures}
    if len(failures) == len(answers) >= TELLING and len(kinds) == 1:
        first = failures[0]
        said = first.answer.reason if isinstance(first.answer, Failure) else ""
        item = items.as_json(first.item).decode()[:300]
        raise EveryProbeFailed(
            f"While trying {len(answers)} items of stage {stage['name']}, found that all failed, "
            f"the first (item {first.number}: {item}) with: {said}. Correct the function; the "
            "whole traceback is in its log."
        )


def check_time(stage: dict[str, Any], size: int, measured: sizing.Measured) -> None:
    """Refuse calls that would take longer than the function may."""
    predicted = size * measured.item_s
    if predicted > stage["timeout_s"]:
        raise DoesNotFit(
            f"While planning stage {stage['name']}, found {predicted:.0f} s for a call of {size} "
            f"items of {measured.item_s:.3g} s, beyond timeout_s={stage['timeout_s']} (Lambda's "
            f"most is {LAMBDA_S}). Lower batch_items, or leave it out."
        )


def check_batches(stage: dict[str, Any], size: int, count: int) -> None:
    """Refuse more calls than can be registered."""
    batches = -(-count // size)
    if batches > sizing.MOST_BATCHES:
        raise DoesNotFit(
            f"While planning stage {stage['name']}, found {batches} calls for {count} items, "
            f"{size} in each, beyond the {sizing.MOST_BATCHES} whose rows one call can register. "
            "Raise batch_items, or leave it out; make items that take long fewer."
        )
