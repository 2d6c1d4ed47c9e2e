"""SQS, and the mappings that read it.

- `queue` and `delivery` make moto's queues keep and give messages as SQS does
- `poller` reads one queue for one mapping; `event` is what its function sees
"""

from __future__ import annotations

import threading
from typing import Any

from localcloud.cloud import Cloud
from localcloud.engines import functions as lambda_engine


class Engine:
    """Keeps one poller per enabled mapping whose queue is there.

    Parameters
    ----------
    backend
        moto's SQS of the cloud's account and region.
    """

    def __init__(self, cloud: Cloud, backend: Any) -> None:
        self._backend = backend
        self._functions = lambda_engine.of(cloud)
        self._registry = lambda_engine.registry_of(cloud)
        self._lock = threading.Lock()
        self._pollers: dict[str, tuple[Any, Any]] = {}
        self._stopping = False

    def reconcile(self) -> None:
        """Start and stop pollers as mappings and queues are now."""
        from localcloud.engines.queues.poller import QueuePoller

        with self._lock:
            if self._stopping:
                return
            wanted = {m.uuid: m for m in self._registry.of("sqs", "sqs-fifo")}
            for uuid, (poller, queue) in list(self._pollers.items()):
                if uuid not in wanted or self._queue(wanted[uuid]) is not queue:
                    poller.stop()
                    del self._pollers[uuid]
                else:
                    poller.wake()
            for uuid, mapping in wanted.items():
                queue = self._queue(mapping)
                if queue is None:
                    mapping.last_result = "PROBLEM: Queue not found"
                elif uuid not in self._pollers:
                    poller = QueuePoller(self._functions, mapping, queue)
                    self._pollers[uuid] = (poller, queue)
                    poller.start()

    def stop(self) -> None:
        """Have every poller end after the batches in flight."""
        with self._lock:
            self._stopping = True
            for poller, _ in self._pollers.values():
                poller.stop()

    def _queue(self, mapping: Any) -> Any:
        return self._backend.queues.get(mapping.event_source_arn.rsplit(":", 1)[-1])


def install(cloud: Cloud) -> None:
    """Have SQS behave, and its mappings read it, until the cloud stops."""
    from moto.sqs.models import sqs_backends

    from localcloud.engines.queues import queue

    engine = Engine(cloud, sqs_backends[cloud.account][cloud.region])
    queue.install(engine.reconcile)
    lambda_engine.registry_of(cloud).watch(engine.reconcile, lambda mapping: None)
    cloud.on_stop(engine.stop)
