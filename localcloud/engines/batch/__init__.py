"""Batch: jobs whose containers really run, on this machine.

- `api` answers the calls, `listing` those that list; `definitions` are kept as they are given
- `container_checks`, `node_checks`, `strategies` and `fargate` refuse what AWS would, and by name
  what can't be honoured; `errors` says so
- `submitting` makes `jobs` of a request, `overrides` what their containers are given
- `scheduler` puts them on hosts as `capacity` and this machine's `gpus` allow; `attempts` run,
  `retries` judges them
- `containers` is the seam to what runs one: `processes` as a process group, held to its
  `memory`, `container_runner` by Podman; `logs` keeps what it prints

Compute environments and queues are moto's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from localcloud.cloud import Application, Cloud
from localcloud.engines.images import podman


def install(cloud: Cloud) -> None:
    """Run jobs, until the cloud stops.

    All is loaded by the first call: moto's Batch brings its EC2, a second and 100 MB of memory
    that most clouds have no use for.
    """
    engine = podman.program()  # here: a cloud that can't run its containers doesn't start
    loading, loaded = threading.Lock(), list[Application]()

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        with loading:
            if not loaded:
                loaded.append(_load(cloud, engine))
        return loaded[0](environ, start)

    cloud.apps["batch"] = answer


def _load(cloud: Cloud, engine: str | None) -> Application:
    from moto.moto_server.werkzeug_app import create_backend_app

    from localcloud.control.patches import batch as patched
    from localcloud.engines.batch import api
    from localcloud.engines.batch.container_runner import Containers
    from localcloud.engines.batch.processes import Processes
    from localcloud.engines.batch.service import Service

    patched.install()
    service = Service(cloud, Containers(cloud, engine) if engine else Processes(cloud))
    api.install(service)
    cloud.on_stop(service.stop)
    application: Application = create_backend_app("batch")
    return application
