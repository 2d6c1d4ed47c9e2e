"""What the event source mapping hands over, as one batch of one shard."""

from __future__ import annotations

import base64
import datetime
from dataclasses import dataclass
from typing import Any


class EventError(ValueError):
    """An event is not what the mapping sends."""


@dataclass(frozen=True)
class Arrival:
    """One record of the stream, as it came."""

    sequence: str
    partition_key: str
    arrived: datetime.datetime
    data: bytes


@dataclass(frozen=True)
class Batch:
    """Records of one shard, in order."""

    source: str
    arrivals: list[Arrival]

    @property
    def first(self) -> str:
        """Sequence number of the oldest record."""
        return self.arrivals[0].sequence

    @property
    def last(self) -> str:
        """Sequence number of the newest record."""
        return self.arrivals[-1].sequence


def kinesis_batch(event: dict[str, Any]) -> Batch:
    """Read a Kinesis event.

    Its shape: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html

    Raises
    ------
    EventError
        Where it holds no record, or records of several shards.
    """
    records = event.get("Records", [])
    sources = {record["eventID"].partition(":")[0] for record in records}
    if len(sources) != 1:
        raise EventError(
            f"While reading a Kinesis event, found {len(records)} records of {len(sources)} "
            "shards, where a mapping sends those of one. Call this function through its mapping."
        )
    return Batch(sources.pop(), [_arrival(record["kinesis"]) for record in records])


def _arrival(told: dict[str, Any]) -> Arrival:
    when = datetime.datetime.fromtimestamp(told["approximateArrivalTimestamp"], datetime.UTC)
    data = base64.b64decode(told["data"])
    return Arrival(told["sequenceNumber"], told["partitionKey"], when, data)
