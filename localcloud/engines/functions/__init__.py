"""Lambda: the deployed code runs in processes of its own, as moto's functions are set up.

- `api` answers Invoke; `asynchronous` holds events that nobody waits for
- `control` and `checks` teach moto what it ignores, and refuse what can't be honoured
- `service` finds a function's `pool` of `environment`s; each is a `process` that `bootstrap`
  sets up, fed through its own `runtime_api`, watched by `memory`, written down by `log`
- `packages` and `runtime_folder` lay out what a process can import
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.cloud import Cloud

if TYPE_CHECKING:
    from localcloud.engines.functions.service import Functions
    from localcloud.engines.mappings.registry import Registry

_functions: dict[int, Functions] = {}
_registries: dict[int, Registry] = {}


def install(cloud: Cloud) -> None:
    """Run functions in moto's place, until the cloud stops."""
    # moto is imported where it is patched: a cloud that starts shows its errors first.
    from moto.awslambda.models import lambda_backends
    from moto.cloudwatch.models import cloudwatch_backends
    from moto.logs.models import logs_backends

    from localcloud.engines.functions import api, control
    from localcloud.engines.functions.asynchronous import Asynchronous
    from localcloud.engines.functions.service import Functions
    from localcloud.engines.mappings.registry import Registry

    account, region = cloud.account, cloud.region
    functions = Functions(
        cloud,
        lambda_backends[account][region],
        logs_backends[account][region],
        cloudwatch_backends[account][region],
    )
    asynchronous = Asynchronous(functions, cloud)
    control.install(functions)
    api.install(functions, asynchronous)
    registry = Registry(functions.lambdas)
    registry.install()
    _functions[cloud.port], _registries[cloud.port] = functions, registry
    cloud.on_stop(asynchronous.stop)
    cloud.on_stop(functions.stop)


def of(cloud: Cloud) -> Functions:
    """The functions of a running cloud, for engines that invoke them."""
    return _functions[cloud.port]


def registry_of(cloud: Cloud) -> Registry:
    """The event source mappings of a running cloud, for engines that serve them."""
    return _registries[cloud.port]
