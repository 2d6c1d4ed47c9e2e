"""Pushes records into a Kinesis stream, each partition key's in order.

How records are numbered is told in :mod:`stream.pack`, how they are sent in
:mod:`stream.send`. A window of records is sent when it is full or the input ends.
"""

from __future__ import annotations

import random
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from stream import block, kinesis, lines, pack
from stream.send import RECORD_BYTES, Sender
from stream.send import ProducerError as ProducerError
from stream.send import Receipt as Receipt

#: Decompressed bytes that a block of several records holds at most. Half a megabyte of JSON is
#: some 100 KB of zstd, so a full shard carries about ten blocks a second: one call of the land
#: function a second at its default of ten blocks. Blocks of 50 KB would need ten calls; blocks of
#: 1 MB carry a seventh more records, but twice as much waits for the last one to fill.
BLOCK_BYTES = 512 << 10


class Producer:
    """Pushes records into one stream.

    Parameters
    ----------
    client : Kinesis client
    stream : str
        Name of the stream.
    key : str, optional
        The records' field that orders them; where absent they are spread evenly.
    producer : str, optional
        An id that names this input for ever: 1 to 128 letters, digits and ``._:@/-``. The same
        id with the same input gives each record the same number, so a second push lands
        nothing. Never use one id for two inputs: the second would be taken for the first.
    table : str, optional
        The table meant; the study's first where absent.
    plain : bool
        One JSON document a stream record, for other consumers: not numbered, so what is pushed
        twice lands twice; and in order only until a request fails in part.
    block_bytes : int
        Decompressed bytes that a block of several records holds at most.
    progress : callable, optional
        Called with the receipt after each request.
    clock, sleep, rng
        Time in seconds, a wait, and the jitter's random numbers.
    """

    def __init__(
        self,
        client: Any,
        stream: str,
        *,
        key: str | None = None,
        producer: str | None = None,
        table: str | None = None,
        plain: bool = False,
        block_bytes: int = BLOCK_BYTES,
        progress: Callable[[Receipt], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
    ) -> None:
        name = producer or str(uuid.uuid4())
        if not re.fullmatch(block.PRODUCER, name):
            raise ProducerError(
                f"While starting a producer, found the id {name!r}. "
                "Use 1 to 128 letters, digits and ._:@/- signs."
            )
        self._client, self._stream = client, stream
        self._key, self._name, self._table = key, name, table
        self._plain, self._block_bytes = plain, block_bytes
        self._next = 0
        self.receipt = Receipt(None if plain else name)
        progress = progress or (lambda receipt: None)
        rng = rng or random.Random()  # noqa: S311 - jitter, no secret
        self._sender = Sender(client, stream, self.receipt, progress, clock, sleep, rng)

    def push(self, records: Iterable[lines.Record]) -> Receipt:
        """Put records into the stream; returns when all of them are in.

        Parameters
        ----------
        records : iterable of dict, bytes or str
            Dicts, or JSON documents of one line each.

        Raises
        ------
        PackError
            For a record that is no line of JSON at all.
        ProducerError
            For a record above 1 MiB, and where the stream refuses for good. What went before
            is in; push again under the same producer id and it is recognised.
        """
        for window in pack.windows(lines.items(records, self._key, self._next)):
            shards = sorted(
                (s for s in kinesis.list_shards(self._client, self._stream) if s.open),
                key=lambda s: s.start,
            )
            parcels = self._pack(window, [s.start for s in shards])
            self._sender.send({s.id: deque(p) for s, p in zip(shards, parcels, strict=True)})
            self._next += len(window)
        return self.receipt

    def _pack(self, window: list[lines.Item], starts: list[int]) -> list[list[pack.Parcel]]:
        if self._plain:
            parcels = pack.plain(window, starts)
        else:
            parcels = pack.cut(
                window, self._next, starts, self._name, self._table, self._block_bytes
            )
        for parcel in (p for several in parcels for p in several):
            if parcel.size > RECORD_BYTES:
                raise ProducerError(
                    f"While packing {parcel.records} records, found {parcel.size} bytes for one "
                    f"stream record (limit {RECORD_BYTES}). Split the record or shorten its text."
                )
        return parcels
