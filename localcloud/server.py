"""One process on loopback: moto answers the APIs, the engines do the work.

Services that no engine here knows stay moto's own: they record what they are told and do
nothing. Only CloudFormation refuses what the local cloud can't honour.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from localcloud.cloud import Application, Cloud
from localcloud.control import warm
from localcloud.control.faults import Faults
from localcloud.control.http import serve_http

Install = Callable[[Cloud], None]


def installers() -> Sequence[Install]:
    """The parts of the cloud, in the order they are put in place."""
    from localcloud import clock
    from localcloud.control import cloudformation
    from localcloud.engines import (
        batch,
        emr,
        functions,
        images,
        objects,
        queues,
        sql,
        states,
        streams,
    )

    return (
        clock.install,
        objects.install,
        cloudformation.install,
        functions.install,
        streams.install,
        queues.install,
        sql.install,
        emr.install,
        images.install,
        batch.install,
        states.install,
    )


def application(cloud: Cloud) -> Application:
    """Join moto, the parts that stand in for its services, and our own pages."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    def create(service: Any) -> Any:
        return cloud.apps.get(service) or create_backend_app(service)

    moto = DomainDispatcherApplication(create)

    def front(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        parts = environ["PATH_INFO"].split("/", 3)
        page = cloud.pages.get(parts[2]) if parts[1:2] == ["_localcloud"] and parts[2:] else None
        answer: Iterable[bytes] = (page or moto)(environ, start)
        return answer

    app: Application = Faults(front)
    for wrap in cloud.middlewares:
        app = wrap(app)
    return app


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
    for install in installers():
        install(cloud)
    server = serve_http(application(cloud), cloud.port)
    stop = lambda *_: threading.Thread(target=server.shutdown).start()  # noqa: E731
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if ready:
        facts = {"endpoint": cloud.endpoint, "port": cloud.port, "pid": os.getpid()}
        ready.with_suffix(".part").write_text(json.dumps({**facts, "data": str(cloud.data)}))
        ready.with_suffix(".part").rename(ready)
    warm.begin(cloud)
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        cloud.stop()
        if ready:
            ready.unlink(missing_ok=True)
