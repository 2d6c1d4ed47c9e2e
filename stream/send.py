"""Puts parcels into a stream's shards: paced, and retried until they are in.

A shard's blocks go one a request, and none goes before the one ahead of it is in, because
PutRecords promises no order within a request.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from stream.pacing import Pace
from stream.pack import Parcel

#: Of one PutRecords call: 500 records, and 10 MiB since 2025, of which the 5 MiB used here are
#: taken wherever the older limit still holds; of one record: 1 MiB with its partition key,
#: unless the stream was set to take more.
#: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
REQUEST_RECORDS = 500
REQUEST_BYTES = 5 << 20
RECORD_BYTES = 1 << 20

#: After so many failures in a row, about 80 seconds, a shard is given up.
ATTEMPTS = 20
_PASSING = {
    "InternalFailure",
    "InternalServerError",
    "KMSThrottlingException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "ServiceUnavailable",
    "ThrottlingException",
}

Entry = tuple[str, Parcel]


class ProducerError(RuntimeError):
    """Records could not be put into the stream."""


@dataclass
class Receipt:
    """What was put into the stream.

    Parameters
    ----------
    producer : str or None
        Who numbered the records; push again under the same id, and none lands twice.
    records, blocks, bytes : int
        Records pushed, the stream's records that carry them, and the bytes of those.
    shards : dict
        Records by shard id.
    retries : int
        Stream records that had to be sent again.
    """

    producer: str | None
    records: int = 0
    blocks: int = 0
    bytes: int = 0
    shards: dict[str, int] = field(default_factory=dict)
    retries: int = 0

    def note(self, shard: str, parcel: Parcel) -> None:
        """Add one stream record that is in."""
        self.records += parcel.records
        self.blocks += 1
        self.bytes += parcel.size
        self.shards[shard] = self.shards.get(shard, 0) + parcel.records


class Sender:
    """Sends into one stream.

    Parameters
    ----------
    client : Kinesis client
    stream : str
        Name of the stream.
    receipt : Receipt
        Kept up as parcels go in.
    progress : callable
        Called with the receipt after each request.
    clock, sleep, rng
        Time in seconds, a wait, and the jitter's random numbers.
    """

    def __init__(
        self,
        client: Any,
        stream: str,
        receipt: Receipt,
        progress: Callable[[Receipt], None],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        rng: random.Random,
    ) -> None:
        self._client, self._stream = client, stream
        self._receipt, self._progress = receipt, progress
        self._clock, self._sleep, self._rng = clock, sleep, rng
        self._paces: dict[str, Pace] = {}

    def send(self, queues: dict[str, deque[Parcel]]) -> None:
        """Empty the queues of all shards.

        Raises
        ------
        ProducerError
            Where the stream refuses for good.
        """
        for shard in queues:
            self._paces.setdefault(shard, Pace(self._rng))
        while any(queues.values()):
            now = self._clock()
            entries = self._choose(queues, now)
            if entries:
                self._settle(queues, entries, self._put(entries))
                self._progress(self._receipt)
            else:
                soonest = min(self._paces[s].ready_at() for s, q in queues.items() if q)
                self._sleep(max(0.001, soonest - now))

    def _choose(self, queues: dict[str, deque[Parcel]], now: float) -> list[Entry]:
        """What the next request carries: the shards that are ready, in turn."""
        chosen: list[Entry] = []
        held = 0
        for shard in sorted(queues, key=lambda s: self._paces[s].ready_at()):
            pace = self._paces[shard]
            for parcel in queues[shard]:
                full = len(chosen) == REQUEST_RECORDS or held + parcel.size > REQUEST_BYTES
                if full or pace.ready_at() > now:
                    break
                chosen.append((shard, parcel))
                held += parcel.size
                pace.book(now, parcel.size)
                if self._receipt.producer:
                    break  # one block a request keeps the shard's order
        return chosen

    def _put(self, entries: list[Entry]) -> list[dict[str, Any]]:
        """Send one request; one answer for each entry, with an ErrorCode where it failed."""
        request = [
            {"Data": p.data, "PartitionKey": p.partition_key}
            | ({} if p.hash is None else {"ExplicitHashKey": str(p.hash)})
            for _, p in entries
        ]
        try:
            answer = self._client.put_records(StreamName=self._stream, Records=request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in _PASSING:
                raise self._given_up(str(error)) from error
        except (ConnectionError, HTTPClientError) as error:
            code = str(error)
        else:
            records: list[dict[str, Any]] = answer["Records"]
            return records
        return [{"ErrorCode": code} for _ in entries]

    def _settle(
        self,
        queues: dict[str, deque[Parcel]],
        entries: list[Entry],
        answers: list[dict[str, Any]],
    ) -> None:
        """Take out of the queues what is in the stream; leave the rest, in order."""
        done: dict[str, list[Parcel]] = {}
        failed: dict[str, str] = {}
        for (shard, parcel), answer in zip(entries, answers, strict=True):
            if answer.get("ErrorCode"):
                failed[shard] = f"{answer['ErrorCode']} {answer.get('ErrorMessage', '')}".strip()
                self._receipt.retries += 1
            else:
                self._receipt.note(answer["ShardId"], parcel)
                done.setdefault(shard, []).append(parcel)
        for shard, parcels in done.items():
            self._paces[shard].succeeded()
            if shard in failed:
                kept = {id(parcel) for parcel in parcels}
                queues[shard] = deque(p for p in queues[shard] if id(p) not in kept)
            else:
                for _ in parcels:
                    queues[shard].popleft()
        for shard, why in failed.items():
            self._paces[shard].failed(self._clock())
            if self._paces[shard].failures >= ATTEMPTS:
                raise self._given_up(f"{shard} refused {ATTEMPTS} times in a row: {why}")

    def _given_up(self, why: str) -> ProducerError:
        name = self._receipt.producer
        do = f"Push the same input again with the id {name}." if name else "Find the cause first."
        return ProducerError(
            f"While putting records into stream {self._stream}, found {why} "
            f"(after {self._receipt.records} records). {do}"
        )
