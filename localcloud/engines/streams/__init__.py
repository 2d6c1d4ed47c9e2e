"""Kinesis, and the mappings that read it: a thread per mapping and shard.

- `shard`, `resharding` and `api` make moto's streams keep and answer as AWS's do
- `positions` holds how far each mapping has come; `poller` reads one shard for it,
  and `failures` tells what it passed over
- `event` is what a function sees; the rules of batches are in `mappings.batching`
"""

from __future__ import annotations

import threading
from typing import Any

from localcloud.cloud import Cloud
from localcloud.engines import functions as lambda_engine


class Engine:
    """Keeps one poller per enabled mapping and readable shard.

    Parameters
    ----------
    backend
        moto's Kinesis of the cloud's account and region.
    """

    def __init__(self, cloud: Cloud, backend: Any) -> None:
        self._cloud, self._backend = cloud, backend
        self._functions = lambda_engine.of(cloud)
        self._registry = lambda_engine.registry_of(cloud)
        self._lock = threading.RLock()
        self._positions: dict[str, Any] = {}
        self._pollers: dict[tuple[str, str], Any] = {}
        self._stopping = False

    def created(self, mapping: Any) -> None:
        """Settle where a new mapping begins."""
        from localcloud.engines.streams.positions import Positions

        stream = self._stream(mapping)
        if stream is not None:
            start, at = mapping.starting_position, mapping.starting_position_timestamp
            self._positions[mapping.uuid] = Positions(stream, start, at)

    def reconcile(self) -> None:
        """Start and stop pollers as mappings and shards are now."""
        with self._lock:
            if self._stopping:
                return
            wanted = dict(self._wanted())
            for key, poller in list(self._pollers.items()):
                if not poller.alive:
                    del self._pollers[key]
                elif key not in wanted:
                    poller.stop()
                else:
                    poller.wake()
            for key, (mapping, stream) in wanted.items():
                if key not in self._pollers:
                    self._start(key, mapping, stream)
            for uuid in [u for u in self._positions if not self._registry.exists(u)]:
                del self._positions[uuid]

    def stop(self) -> None:
        """Have every poller end after the batch in flight."""
        with self._lock:
            self._stopping = True
            for poller in self._pollers.values():
                poller.stop()

    def _wanted(self) -> Any:
        for mapping in self._registry.of("kinesis"):
            stream, positions = self._stream(mapping), self._positions.get(mapping.uuid)
            if stream is None or positions is None:
                mapping.last_result = "PROBLEM: Stream not found"
                continue
            for shard in positions.readable(stream.shards):
                yield (mapping.uuid, shard), (mapping, stream)

    def _start(self, key: tuple[str, str], mapping: Any, stream: Any) -> None:
        from localcloud.engines.streams.poller import ShardPoller

        uuid, shard = key
        positions = self._positions[uuid]

        def ended() -> None:
            if self._pollers[key].drained:
                positions.drain(shard)
            threading.Thread(target=self._after, args=(key,), daemon=True).start()

        self._pollers[key] = ShardPoller(
            self._cloud,
            self._functions,
            mapping,
            stream,
            stream.shards[shard],
            positions.get(shard),
            lambda number: positions.move(shard, number),
            ended,
        )
        self._pollers[key].start()

    def _after(self, key: tuple[str, str]) -> None:
        """Once a poller's thread is over: its children, or its successor, may begin."""
        poller = self._pollers.get(key)
        if poller is not None:
            poller.join()
        self.reconcile()

    def _stream(self, mapping: Any) -> Any:
        arn = mapping.event_source_arn
        return next((s for s in self._backend.streams.values() if s.arn == arn), None)


def install(cloud: Cloud) -> None:
    """Have Kinesis behave, and its mappings read it, until the cloud stops."""
    from moto.kinesis.models import kinesis_backends

    from localcloud.engines.streams import api, resharding, shard

    engine = Engine(cloud, kinesis_backends[cloud.account][cloud.region])
    shard.install()
    resharding.install(engine.reconcile)
    api.install(engine.reconcile)
    lambda_engine.registry_of(cloud).watch(engine.reconcile, engine.created)
    cloud.on_stop(engine.stop)
