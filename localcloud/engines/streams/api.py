"""Holds Kinesis calls to AWS's limits, and lets a reader of a closed shard come to its end.

https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import EmptyResult
from moto.kinesis.exceptions import InvalidArgumentError, TooManyRecords
from moto.kinesis.models import KinesisBackend
from moto.kinesis.responses import KinesisResponse
from moto.kinesis.utils import decompose_shard_iterator

from localcloud.engines.patching import patch, wrap

MOST_RECORDS = 500
MOST_BYTES = 10 << 20
RECORD_KIB = (1024, 10_240)


class RecordTooLargeError(JsonRESTError):
    """A record over its stream's limit."""

    def __init__(self, where: str, most: int) -> None:
        super().__init__(
            "ValidationException",
            f"1 validation error detected: Value at '{where}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {most}",
        )


def install(changed: Callable[[], None]) -> None:
    """Put the patches in place.

    Parameters
    ----------
    changed : callable
        Called after a stream was deleted.
    """
    patch(KinesisBackend, put_records=put_records)
    wrap(
        KinesisBackend,
        put_record=_put_record,
        get_shard_iterator=_get_shard_iterator,
        get_records=_get_records,
        delete_stream=lambda original: _delete_stream(original, changed),
    )
    wrap(KinesisResponse, create_stream=_create_stream)
    patch(KinesisResponse, update_max_record_size=update_max_record_size)


def size_of(partition_key: str, data: str) -> int:
    """Bytes that count: the data, out of its base64, and the key."""
    return len(data) * 3 // 4 - data[-2:].count("=") + len(partition_key.encode())


def _put_record(original: Callable[..., Any]) -> Callable[..., Any]:
    def put_record(
        self: Any, stream_arn: Any, stream_name: Any, partition_key: str, hash_key: Any, data: str
    ) -> Any:
        stream = self.describe_stream(stream_arn=stream_arn, stream_name=stream_name)
        if size_of(partition_key, data or "") > stream.max_record_bytes:
            raise RecordTooLargeError("data", stream.max_record_bytes)
        return original(self, stream_arn, stream_name, partition_key, hash_key, data or "")

    return put_record


def put_records(
    self: Any, stream_arn: Any, stream_name: Any, records: list[dict[str, Any]]
) -> dict[str, Any]:
    """Put up to 500 records of up to 10 MiB together."""
    stream = self.describe_stream(stream_arn=stream_arn, stream_name=stream_name)
    if len(records) > MOST_RECORDS:
        raise TooManyRecords
    sizes = [size_of(r["PartitionKey"], r["Data"]) for r in records]
    for index, size in enumerate(sizes, 1):
        if size > stream.max_record_bytes:
            raise RecordTooLargeError(f"records.{index}.member.data", stream.max_record_bytes)
    if sum(sizes) > MOST_BYTES:
        raise InvalidArgumentError("Records size exceeds 10 MB limit")
    told = []
    for record in records:
        sequence, shard = stream.put_record(
            record["PartitionKey"], record.get("ExplicitHashKey"), record["Data"]
        )
        told.append({"SequenceNumber": sequence, "ShardId": shard})
    self._send_stream_metrics(stream.stream_name, sum(sizes), len(records))
    return {"FailedRecordCount": 0, "Records": told}


def _get_shard_iterator(original: Callable[..., str]) -> Callable[..., str]:
    def get(
        self: Any, stream_arn: Any, stream_name: Any, shard_id: str, kind: str, start: Any, at: Any
    ) -> str:
        # moto writes the name as it was given into the iterator: None for one who gave the ARN.
        name = self.describe_stream(stream_arn=stream_arn, stream_name=stream_name).stream_name
        return original(self, stream_arn, name, shard_id, kind, start, at)

    return get


def _get_records(original: Callable[..., Any]) -> Callable[..., Any]:
    def get(self: Any, stream_arn: Any, shard_iterator: str, limit: int | None) -> Any:
        following, records, behind = original(self, stream_arn, shard_iterator, limit)
        name, shard_id, last = _parts(following)
        shard = self.describe_stream(stream_arn=stream_arn, stream_name=name).get_shard(shard_id)
        if not shard.is_open and (not shard.numbers or last >= shard.numbers[-1]):
            # The end of a closed shard: where its readers go on to the children.
            following = None
        return following, records, behind

    return get


def _parts(iterator: str) -> tuple[str, str, int]:
    name, shard_id, last = decompose_shard_iterator(iterator)
    return name, shard_id, int(last)


def _delete_stream(original: Callable[..., Any], changed: Callable[[], None]) -> Callable[..., Any]:
    def delete(self: Any, stream_arn: Any, stream_name: Any) -> Any:
        stream = original(self, stream_arn, stream_name)
        with stream.activity:
            stream.activity.notify_all()
        changed()
        return stream

    return delete


def _create_stream(original: Callable[..., Any]) -> Callable[..., Any]:
    def create(self: Any) -> Any:
        most = self._get_param("MaxRecordSizeInKiB")
        if most is not None:
            _check_record_size(most)
        answer = original(self)
        stream = self.kinesis_backend.describe_stream(None, self._get_param("StreamName"))
        stream.tags.update(self._get_param("Tags") or {})
        if most is not None:
            stream.max_record_bytes = most * 1024
        return answer

    return create


def update_max_record_size(self: Any) -> EmptyResult:
    """Answer UpdateMaxRecordSize, which moto lacks."""
    most = self._get_param("MaxRecordSizeInKiB")
    _check_record_size(most)
    arn = self._get_param("StreamARN")
    self.kinesis_backend.describe_stream(arn, None).max_record_bytes = most * 1024
    return EmptyResult()


def _check_record_size(kib: int) -> None:
    low, high = RECORD_KIB
    if not low <= kib <= high:
        raise InvalidArgumentError(f"MaxRecordSizeInKiB {kib}: it is {low} to {high}")
