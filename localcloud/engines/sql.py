"""Not built yet."""

from __future__ import annotations

from localcloud.cloud import Cloud


def install(cloud: Cloud) -> None:
    """Put nothing in place yet."""
