"""Where a study runs, as the target itself says."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.target import Target


@dataclass(frozen=True)
class Place:
    """The target's name, the account, the region."""

    target: str
    account: str
    region: str


def place_of(target: Target) -> Place:
    """Ask a target which account and region it is: it also shows that the credentials are good."""
    client = target.client("sts")
    account = client.get_caller_identity()["Account"]
    return Place(target.name, account, client.meta.region_name)
