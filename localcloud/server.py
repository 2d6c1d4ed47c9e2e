"""One process on loopback: moto answers the APIs, the engines do the work."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from localcloud.cloud import Cloud

Install = Callable[[Cloud], None]


class Handler(WSGIRequestHandler):
    """HTTP/1.1, so that clients keep their connections, and no line per request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def installers() -> Sequence[Install]:
    """The parts of the cloud, in the order they are put in place."""
    from localcloud.control import cloudformation
    from localcloud.engines import functions, objects, queues, sql, streams

    return (
        objects.install,
        cloudformation.install,
        functions.install,
        streams.install,
        queues.install,
        sql.install,
    )


def serve(cloud: Cloud, ready: Path | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then stop every engine.

    Parameters
    ----------
    cloud : Cloud
        The cloud to serve; its data folder exists.
    ready : Path, optional
        Written once the cloud answers: ``{"endpoint", "port", "pid", "data"}``.
    """
    os.environ["MOTO_PORT"] = str(cloud.port)
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    for install in installers():
        install(cloud)
    app: Any = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", cloud.port, app, threaded=True, request_handler=Handler)
    stop = lambda *_: threading.Thread(target=server.shutdown).start()  # noqa: E731
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if ready:
        facts = {"endpoint": cloud.endpoint, "port": cloud.port, "pid": os.getpid()}
        ready.with_suffix(".part").write_text(json.dumps({**facts, "data": str(cloud.data)}))
        ready.with_suffix(".part").rename(ready)
    try:
        server.serve_forever()
    finally:
        cloud.stop()
        if ready:
            ready.unlink(missing_ok=True)
