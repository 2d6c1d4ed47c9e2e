"""Invokes functions: finds the environment, runs the event, logs and counts it."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from typing import Any

from localcloud.cloud import CREDENTIALS, Cloud
from localcloud.engines.functions import runtime_folder
from localcloud.engines.functions.environment import Environment, Places
from localcloud.engines.functions.log import FunctionLog, stream_name
from localcloud.engines.functions.metrics import Metrics
from localcloud.engines.functions.outcome import Outcome
from localcloud.engines.functions.packages import Packages
from localcloud.engines.functions.pool import Pool, ThrottledError
from localcloud.engines.functions.runtime_api import Invocation
from localcloud.engines.functions.settings import Settings, settings_of, variables

SWEEP_S = 15


class Functions:
    """All functions of one cloud.

    Parameters
    ----------
    cloud : Cloud
    lambdas, logs, cloudwatch
        moto's backends of the cloud's account and region.
    """

    def __init__(self, cloud: Cloud, lambdas: Any, logs: Any, cloudwatch: Any) -> None:
        self._cloud, self.lambdas, self._logs = cloud, lambdas, logs
        self.metrics = Metrics(cloudwatch)
        folder = cloud.data / "functions"
        self._runtime, self._homes = folder / "runtime", folder / "environments"
        self._bootstrap = runtime_folder.lay_out(self._runtime)
        self.packages = Packages(folder)
        self._pools: dict[str, Pool] = {}
        self._lock = threading.Lock()
        self.stopping = threading.Event()
        threading.Thread(target=self._sweep, name="functions-sweep", daemon=True).start()

    def find(self, name: str, qualifier: str | None = None) -> Any:
        """Find a function by name, partial name or ARN.

        Raises
        ------
        UnknownFunctionException
            moto's, which answers 404.
        """
        return self.lambdas.get_function(name, qualifier)

    def invoke(
        self, function: Any, payload: bytes, client_context: str = "", request_id: str = ""
    ) -> tuple[str, Outcome]:
        """Run one event and wait for it.

        Returns
        -------
        str
            The request's id.
        Outcome

        Raises
        ------
        ThrottledError
        """
        settings = settings_of(function)
        request_id = request_id or str(uuid.uuid4())
        reserved = function.reserved_concurrency
        invocation = Invocation(
            request_id=request_id,
            payload=payload or b"{}",
            function_arn=settings.arn,
            trace_id=f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}",
            client_context=client_context,
        )
        try:
            outcome = self._pool(settings.arn).run(
                settings, invocation, None if reserved is None else int(reserved)
            )
        except ThrottledError:
            self.metrics.put(settings.name, Throttles=(1, "Count"))
            raise
        self.metrics.put(
            settings.name,
            Invocations=(1, "Count"),
            Errors=(1 if outcome.error_type else 0, "Count"),
            Duration=(outcome.report.duration_ms, "Milliseconds"),
        )
        return request_id, outcome

    def forget(self, arn: str) -> None:
        """End the environments of a deleted function."""
        with self._lock:
            gone = [self._pools.pop(key) for key in list(self._pools) if _is_of(key, arn)]
        for pool in gone:
            pool.close()

    def stop(self) -> None:
        """End every environment."""
        self.stopping.set()
        with self._lock:
            pools = list(self._pools.values())
        for pool in pools:
            pool.close()

    def _pool(self, arn: str) -> Pool:
        with self._lock:
            if self.stopping.is_set():
                raise RuntimeError("While invoking a function, found the local cloud stopping.")
            return self._pools.setdefault(arn, Pool(self._make))

    def _make(self, settings: Settings) -> Environment:
        log = FunctionLog(
            self._logs,
            settings.log_group,
            stream_name(settings.version),
            settings.log_format == "JSON",
        )
        places = self._places(settings)
        named = {name: str(getattr(places, name)) for name in ("task", "opt", "runtime")}
        named |= {name: str(places.home / name) for name in ("home", "tmp")}

        def environment(address: str) -> dict[str, str]:
            return variables(settings, log.stream, named, self._aws(address))

        return Environment(settings, places, runtime_folder.interpreter(), environment, log)

    def _places(self, settings: Settings) -> Places:
        function = self.find(settings.arn)
        return Places(
            task=self.packages.unpack([function.package]),
            opt=self.packages.unpack([layer.package for layer in function.attached]),
            runtime=self._runtime,
            bootstrap=self._bootstrap,
            home=self._homes / uuid.uuid4().hex[:12],
        )

    def _aws(self, address: str) -> dict[str, str]:
        return {
            "AWS_REGION": self._cloud.region,
            "AWS_DEFAULT_REGION": self._cloud.region,
            "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
            "AWS_SESSION_TOKEN": "local",
            "AWS_ENDPOINT_URL": self._cloud.endpoint,
            "AWS_LAMBDA_RUNTIME_API": address,
        }

    def _sweep(self) -> None:
        while not self.stopping.wait(SWEEP_S):
            with self._lock:
                pools = list(self._pools.values())
            for pool in pools:
                pool.sweep()


def _is_of(key: str, arn: str) -> bool:
    """Whether the pool `key` is of the function `arn` or one of its versions."""
    return key == arn or key.startswith(f"{arn}:")
