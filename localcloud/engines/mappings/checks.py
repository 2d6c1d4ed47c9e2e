"""Refuses by name what an event source mapping asks for and the local cloud can't honour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException, ValidationException

#: Numbers: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
LIMITS = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "MaximumRetryAttempts": (-1, 10_000),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
}
LEAST_AGE_S = 60
#: Settings that would change what arrives, and for which nothing is built.
REFUSED = (
    "FilterCriteria",
    "KMSKeyArn",
    "MetricsConfig",
    "LoggingConfig",
    "ProvisionedPollerConfig",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "AmazonManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "SourceAccessConfigurations",
    "Topics",
    "Queues",
)
STREAM_ONLY = (
    "StartingPosition",
    "StartingPositionTimestamp",
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "ParallelizationFactor",
    "TumblingWindowInSeconds",
    "DestinationConfig",
)
STREAM_DESTINATIONS = ("sqs", "sns", "s3")
POSITIONS = ("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP")
FIFO_BATCH = 10
BATCH_WITHOUT_WINDOW = 10


def source_of(arn: str) -> str:
    """``kinesis``, ``sqs``, ``sqs-fifo``, or the service's name."""
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    return "sqs-fifo" if service == "sqs" and arn.endswith(".fifo") else service


def check(source: str, spec: Mapping[str, Any]) -> None:
    """Check what CreateEventSourceMapping or an update asks for.

    Parameters
    ----------
    source : str
        As `source_of` gives it.
    spec : mapping
        The whole of the settings, those of before an update included.
    """
    if source not in ("kinesis", "sqs", "sqs-fifo"):
        refuse("EventSourceArn", spec.get("EventSourceArn"), "Name a Kinesis stream or a queue.")
    for key in REFUSED:
        if spec.get(key) not in (None, [], {}):
            refuse(key, spec[key], "Remove it.")
    for key, (low, high) in LIMITS.items():
        value = spec.get(key)
        if value is not None and not low <= int(value) <= high:
            named = key[0].lower() + key[1:]
            raise ValidationException(str(value), named, f"Member must be {low} to {high}")
    for kind in spec.get("FunctionResponseTypes") or []:
        if kind != "ReportBatchItemFailures":
            refuse("FunctionResponseTypes", kind, "Use ReportBatchItemFailures.")
    if source == "kinesis":
        _check_stream(spec)
    else:
        _check_queue(source, spec)


def _check_stream(spec: Mapping[str, Any]) -> None:
    if spec.get("ScalingConfig"):
        _wrong("ScalingConfig is for queues only")
    if spec.get("StartingPosition") not in POSITIONS:
        given = spec.get("StartingPosition")
        allowed = f"Member must satisfy enum value set: {list(POSITIONS)}"
        raise ValidationException(str(given), "startingPosition", allowed)
    if spec["StartingPosition"] == "AT_TIMESTAMP" and not spec.get("StartingPositionTimestamp"):
        _wrong("StartingPositionTimestamp is required where StartingPosition is AT_TIMESTAMP")
    if int(spec.get("ParallelizationFactor") or 1) != 1:
        refuse("ParallelizationFactor", spec["ParallelizationFactor"], "Use 1, or more shards.")
    if int(spec.get("TumblingWindowInSeconds") or 0):
        refuse("TumblingWindowInSeconds", spec["TumblingWindowInSeconds"], "Remove it.")
    age = int(spec.get("MaximumRecordAgeInSeconds") or -1)
    if age != -1 and age < LEAST_AGE_S:
        _wrong(f"MaximumRecordAgeInSeconds {age}: it is -1, or {LEAST_AGE_S} to 604800")
    arn = (spec.get("DestinationConfig") or {}).get("OnFailure", {}).get("Destination")
    if arn and (source_of(arn) not in STREAM_DESTINATIONS):
        known = ", ".join(STREAM_DESTINATIONS)
        refuse("DestinationConfig.OnFailure", arn, f"Use a standard queue or one of {known}.")


def _check_queue(source: str, spec: Mapping[str, Any]) -> None:
    for key in STREAM_ONLY:
        if spec.get(key) not in (None, [], {}, False):
            _wrong(f"{key} is for streams only")
    window = int(spec.get("MaximumBatchingWindowInSeconds") or 0)
    batch = int(spec.get("BatchSize") or FIFO_BATCH)
    if source == "sqs-fifo" and window:
        _wrong("Batching window is not supported for FIFO queues")
    if source == "sqs-fifo" and batch > FIFO_BATCH:
        _wrong(f"BatchSize {batch} exceeds the most of a FIFO queue, {FIFO_BATCH}")
    if batch > BATCH_WITHOUT_WINDOW and not window:
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        _wrong(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is "
            f"greater than {BATCH_WITHOUT_WINDOW}"
        )
    most = (spec.get("ScalingConfig") or {}).get("MaximumConcurrency")
    if most is not None and not 2 <= int(most) <= 1000:
        _wrong(f"MaximumConcurrency {most}: it is 2 to 1000")


def refuse(key: str, value: Any, do: str) -> None:
    """Refuse a setting that AWS would honour."""
    raise InvalidParameterValueException(
        f"While setting up an event source mapping, found {key}={value!r}, which the local cloud "
        f"can't honour. {do}"
    )


def _wrong(what: str) -> None:
    raise InvalidParameterValueException(what)
