"""What a partial batch response means."""

from __future__ import annotations

import json

import pytest

from localcloud.engines.mappings.partial import failures

KNOWN = {"1", "2", "3"}


@pytest.mark.parametrize(
    "response", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}]
)
def test_nothing_reported_is_success(response: object) -> None:
    assert failures(json.dumps(response).encode(), KNOWN) == set()


def test_no_response_is_success() -> None:
    assert failures(b"", KNOWN) == set()


def test_those_reported_failed() -> None:
    response = {"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}
    assert failures(json.dumps(response).encode(), KNOWN) == {"2", "3"}


@pytest.mark.parametrize(
    "items",
    [
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"itemIdentifier": "4"}],
        [{"itemIdentifier": 1}],
        [{"identifier": "1"}],
        ["1"],
        "1",
        [{"itemIdentifier": "1"}, {"itemIdentifier": "4"}],
    ],
)
def test_what_cannot_be_understood_fails_the_batch(items: object) -> None:
    assert failures(json.dumps({"batchItemFailures": items}).encode(), KNOWN) == KNOWN


@pytest.mark.parametrize("payload", [b"[]", b'"ok"', b"1", b"{"])
def test_a_response_of_another_shape_fails_the_batch(payload: bytes) -> None:
    assert failures(payload, KNOWN) == KNOWN
