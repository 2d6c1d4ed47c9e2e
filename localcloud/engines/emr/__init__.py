"""EMR: clusters whose steps really run, on this machine.

- `api` and `telling` answer the calls; `checks`, `policies` and `step_checks` refuse what
  can't be honoured, `errors` says so
- `service` has the `clusters`, their `steps` and `hardware` (`instances`); each has a `life` of
  its own, in its `surroundings`, with applications in the `versions` that run
- `commands` runs what `command-runner.jar` would, on a cluster's node
- `logs` keeps in S3 what was printed
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from localcloud.cloud import Application, Cloud


def install(cloud: Cloud) -> None:
    """Run clusters, until the cloud stops.

    All is loaded by the first call: moto's EMR brings its EC2, a second and 100 MB of memory that
    most clouds have no use for.
    """
    loading, loaded = threading.Lock(), list[Application]()

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        with loading:
            if not loaded:
                loaded.append(_load(cloud))
        return loaded[0](environ, start)

    cloud.apps["emr"] = answer


def _load(cloud: Cloud) -> Application:
    from moto.moto_server.werkzeug_app import create_backend_app

    from localcloud.engines.emr import api
    from localcloud.engines.emr.service import Service

    service = Service(cloud)
    api.install(service)
    cloud.on_stop(service.stop)
    application: Application = create_backend_app("emr")
    return application
