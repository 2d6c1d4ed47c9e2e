"""What every engine is given: where the local cloud answers, and where it keeps its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ACCOUNT = "123456789012"  # moto's own default account
CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}


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
    """

    port: int
    data: Path
    region: str = "us-east-1"
    account: str = ACCOUNT
    _stoppers: list[Callable[[], None]] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """The endpoint URL; by name, since CloudFormation template URLs need `localhost`."""
        return f"http://localhost:{self.port}"

    def client(self, service: str) -> Any:
        """Make a boto3 client of this cloud: engines use the same API as everyone."""
        return boto3.client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint,
            config=Config(
                retries={"mode": "standard", "max_attempts": 2}, s3={"addressing_style": "path"}
            ),
            **CREDENTIALS,
        )

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Have `stop` called when the cloud goes down; last in, first called."""
        self._stoppers.append(stop)

    def stop(self) -> None:
        """Stop every engine."""
        while self._stoppers:
            self._stoppers.pop()()
