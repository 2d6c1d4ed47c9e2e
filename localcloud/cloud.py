"""What every engine is given: where the local cloud answers, and where it keeps its files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from localcloud.clock import Clock

ACCOUNT = "123456789012"  # moto's own default account
CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
"""A WSGI application."""


@dataclass
class Cloud:
    """One running local cloud.

    Parameters
    ----------
    port : int
        Port on loopback.
    data : Path
        Folder for objects, function code and logs; the cloud's own, made empty at start.
    region : str
        The one region it serves.
    apps : dict
        WSGI applications that answer a service in moto's place, by the service's name.
    pages : dict
        WSGI applications under ``/_localcloud/NAME``.
    middlewares : list
        Each takes the whole WSGI application and gives one that stands before it; the last
        one added is asked first.
    clock : Clock
        What time it is in the cloud.
    """

    port: int
    data: Path
    region: str = "us-east-1"
    account: str = ACCOUNT
    apps: dict[str, Application] = field(default_factory=dict)
    pages: dict[str, Application] = field(default_factory=dict)
    middlewares: list[Callable[[Application], Application]] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    _stoppers: list[Callable[[], None]] = field(default_factory=list)
    _clients: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    _making: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoint(self) -> str:
        """The endpoint URL; by name, since CloudFormation template URLs need `localhost`."""
        return f"http://localhost:{self.port}"

    def client(self, service: str, **settings: Any) -> Any:
        """Give the boto3 client of this cloud: engines use the same API as everyone.

        Clients are made once (that takes some 50 ms) and shared: they are thread-safe.

        Parameters
        ----------
        service : str
            The service as boto3 names it.
        **settings
            Further words for `botocore.config.Config`, as ``read_timeout=900``.
        """
        key = (service, repr(sorted(settings.items())))
        with self._making:  # boto3's default session is not thread-safe
            if key not in self._clients:
                words: dict[str, Any] = {
                    "retries": {"mode": "standard", "max_attempts": 2},
                    "s3": {"addressing_style": "path"},
                    "max_pool_connections": 32,
                }
                self._clients[key] = boto3.client(
                    service,
                    region_name=self.region,
                    endpoint_url=self.endpoint,
                    config=Config(**(words | settings)),
                    **CREDENTIALS,
                )
            return self._clients[key]

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Have `stop` called when the cloud goes down; last in, first called."""
        self._stoppers.append(stop)

    def stop(self) -> None:
        """Stop every engine."""
        while self._stoppers:
            self._stoppers.pop()()
