"""Tells a mapping's on-failure destination of the records that are passed over."""

from __future__ import annotations

import logging
from typing import Any

from localcloud.cloud import Cloud
from localcloud.engines.functions import destinations
from localcloud.engines.functions.service import Functions
from localcloud.engines.mappings.batching import GivenUp
from localcloud.engines.streams import event

log = logging.getLogger(__name__)


class Failures:
    """What happens to the records of one shard that a function failed on for good."""

    def __init__(
        self, cloud: Cloud, functions: Functions, mapping: Any, stream: Any, shard: Any
    ) -> None:
        self._cloud, self._functions = cloud, functions
        self._mapping, self._stream, self._shard_id = mapping, stream, shard.shard_id

    def give_up(self, given_up: GivenUp, request_id: str) -> None:
        """Send them, or what is known of them, to the destination; without one they are gone.

        A destination that can't be reached stops nothing, as on AWS: it is counted.
        """
        records = given_up.work.records
        where = (self._mapping.destination_config or {}).get("OnFailure", {}).get("Destination")
        said = f"{len(records)} records of {self._shard_id} from {records[0].sequence}"
        if not where:
            log.warning("%s were passed over: %s, and no destination", said, given_up.condition)
            return
        try:
            self._send(where, given_up, request_id)
        except Exception:
            log.exception("%s could not be sent to %s", said, where)
            name = self._mapping.function_arn.split(":function:")[-1].split(":")[0]
            self._functions.metrics.put(name, DestinationDeliveryFailures=(1, "Count"))

    def _send(self, where: str, given_up: GivenUp, request_id: str) -> None:
        whole = destinations.service_of(where) == "s3"
        function = self._functions.find(self._mapping.function_arn)
        record = event.failure(
            given_up, self._shard_id, self._stream.arn, function, request_id, whole
        )
        key = destinations.object_key(f"{self._mapping.uuid}/{self._shard_id}")
        destinations.send(self._cloud, where, record, key)
