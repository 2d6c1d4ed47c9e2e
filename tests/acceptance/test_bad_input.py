"""What can't be read is one quarantine row with its reason, and stops nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.acceptance.conftest import House
from tests.acceptance.test_unmodified_clients import athena, wait_for

GOOD = {"year": 2050, "president": "Nobody", "party": "none", "position": 1, "text": "Good."}
#: A line of a pushed file, and a word that its reason must have.
BAD_LINES = {
    "not JSON": (b'{"year": 2050, oops', "JSON"),
    "wrong type": (json.dumps(GOOD | {"year": "MML"}).encode(), "year"),
    "fraction for an integer": (json.dumps(GOOD | {"position": 1.5}).encode(), "position"),
    "missing field": (json.dumps({k: GOOD[k] for k in GOOD if k != "party"}).encode(), "party"),
    "extra field": (json.dumps(GOOD | {"mood": "fine"}).encode(), "mood"),
}


def truncated() -> bytes:
    lines = "\n".join(json.dumps(GOOD | {"position": n}) for n in range(500)).encode()
    return zstandard.compress(lines)[:-20]


def bomb() -> bytes:
    """100 MiB of one letter in a few kilobytes; the cap is 64 MiB."""
    return zstandard.compress(b'{"text": "' + b"A" * (100 << 20) + b'"}')


@pytest.fixture(scope="module")
def quarantined(house: House, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """(reason, bytes in hex) of each quarantined record after all of it was pushed."""
    file = tmp_path_factory.mktemp("bad") / "bad.jsonl"
    good = [json.dumps(GOOD | {"position": n}).encode() for n in range(3)]
    bad = [line for line, _ in BAD_LINES.values()]
    file.write_bytes(b"\n".join([good[0], *bad, *good[1:]]) + b"\n")
    house.headrace("push", "speeches", str(file), "--producer", "bad-input", "--wait")
    for data in (truncated(), bomb(), json.dumps(GOOD | {"position": 3}).encode()):
        house.client("kinesis").put_record(
            StreamName="headrace-speeches", Data=data, PartitionKey="2050"
        )
    client = house.client("athena")
    count = "SELECT count(*) FROM sentences WHERE year = 2050"
    wait_for("landing of the good ones", lambda: athena(client, count) == [["4"]])
    sql = "SELECT reason, to_hex(bytes) FROM quarantine"
    wait_for("quarantine", lambda: len(athena(client, sql)) >= len(BAD_LINES) + 2)
    return athena(client, sql)


@pytest.mark.parametrize("kind", BAD_LINES)
def test_a_bad_line_is_one_row_with_its_bytes_and_reason(quarantined: list[Any], kind: str) -> None:
    line, word = BAD_LINES[kind]
    (reason,) = [reason for reason, found in quarantined if bytes.fromhex(found) == line]
    assert word.lower() in reason.lower(), reason


def test_a_truncated_block_is_one_row(quarantined: list[Any]) -> None:
    (reason,) = [reason for reason, found in quarantined if bytes.fromhex(found) == truncated()]
    assert reason


def test_a_zip_bomb_is_one_row_that_names_the_cap(quarantined: list[Any]) -> None:
    (reason,) = [reason for reason, found in quarantined if bytes.fromhex(found) == bomb()]
    assert "64 MiB" in reason or str(64 << 20) in reason or f"{64 << 20:,}" in reason, reason


def test_pushing_the_file_again_changes_nothing_and_the_ledger_closes(
    house: House, quarantined: list[Any], tmp_path: Path
) -> None:
    before = house.facts("ledger", "speeches")
    bad = [line for line, _ in BAD_LINES.values()]
    file = tmp_path / "again.jsonl"
    good = [json.dumps(GOOD | {"position": n}).encode() for n in range(3)]
    file.write_bytes(b"\n".join([good[0], *bad, *good[1:]]) + b"\n")
    house.headrace("push", "speeches", str(file), "--producer", "bad-input", "--wait")
    after = json.loads(house.headrace("ledger", "speeches", "--check", "--json").stdout)
    for key in ("pushed", "rows", "quarantined", "missing"):
        assert after["total"][key] == before["total"][key], (key, before, after)
    assert after["total"]["missing"] == 0
