"""What a mapping may ask for, and the settings that are refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from moto.awslambda.exceptions import InvalidParameterValueException, ValidationException

from localcloud.engines.mappings.checks import check, source_of

STREAM = {"StartingPosition": "LATEST"}


def test_sources() -> None:
    assert source_of("arn:aws:kinesis:us-east-1:123456789012:stream/s") == "kinesis"
    assert source_of("arn:aws:sqs:us-east-1:123456789012:q") == "sqs"
    assert source_of("arn:aws:sqs:us-east-1:123456789012:q.fifo") == "sqs-fifo"
    assert source_of("not an arn") == ""


@pytest.mark.parametrize(
    ("source", "spec"),
    [
        ("kinesis", STREAM),
        ("kinesis", STREAM | {"ParallelizationFactor": 1, "TumblingWindowInSeconds": 0}),
        ("kinesis", STREAM | {"MaximumRecordAgeInSeconds": -1, "MaximumRetryAttempts": 0}),
        (
            "kinesis",
            STREAM | {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::b"}}},
        ),
        ("sqs", {}),
        ("sqs", {"BatchSize": 100, "MaximumBatchingWindowInSeconds": 1}),
        ("sqs-fifo", {"BatchSize": 10, "FunctionResponseTypes": ["ReportBatchItemFailures"]}),
    ],
)
def test_what_is_honoured_passes(source: str, spec: dict[str, Any]) -> None:
    check(source, spec)


@pytest.mark.parametrize(
    ("source", "spec", "name"),
    [
        ("dynamodb", {"EventSourceArn": "arn:aws:dynamodb:us-east-1:1:table/t"}, "EventSourceArn"),
        ("kinesis", STREAM | {"ParallelizationFactor": 2}, "ParallelizationFactor"),
        ("kinesis", STREAM | {"TumblingWindowInSeconds": 10}, "TumblingWindowInSeconds"),
        (
            "kinesis",
            STREAM | {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}},
            "FilterCriteria",
        ),
        (
            "kinesis",
            STREAM | {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:kafka:::t"}}},
            "DestinationConfig",
        ),
        ("kinesis", STREAM | {"MaximumRecordAgeInSeconds": 5}, "MaximumRecordAgeInSeconds"),
        ("sqs", {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}, "FilterCriteria"),
        ("sqs", {"ProvisionedPollerConfig": {"MinimumPollers": 2}}, "ProvisionedPollerConfig"),
        ("sqs", {"BatchSize": 11}, "batch window"),
        ("sqs", {"StartingPosition": "LATEST"}, "StartingPosition"),
        ("sqs", {"ScalingConfig": {"MaximumConcurrency": 1}}, "MaximumConcurrency"),
        ("sqs-fifo", {"MaximumBatchingWindowInSeconds": 1}, "FIFO"),
        ("sqs-fifo", {"BatchSize": 11}, "BatchSize"),
    ],
)
def test_what_is_not_is_refused_by_name(source: str, spec: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidParameterValueException) as fault:
        check(source, spec)
    assert name in fault.value.message


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"StartingPosition": "MIDDLE"},
        STREAM | {"BatchSize": 10_001},
        STREAM | {"MaximumBatchingWindowInSeconds": 301},
        STREAM | {"MaximumRetryAttempts": 10_001},
    ],
)
def test_numbers_and_positions_are_held_to_the_limits(spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationException):
        check("kinesis", spec)
