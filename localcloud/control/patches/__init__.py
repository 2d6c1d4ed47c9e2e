"""Small patches of moto 5.2.5, each where it loses or breaks what a template says.

moto is pinned to this version; tests/integration/test_deploy_patches.py says what broke.
"""

from __future__ import annotations

from typing import Any

from localcloud.cloud import Cloud


def install(cloud: Cloud) -> None:
    """Patch moto once, before it answers."""
    from localcloud.control.patches import athena, bucket_policy, cloudwatch, ecr, glue, iam

    for patch in (athena, bucket_policy, cloudwatch, ecr, glue, iam):
        patch.install(cloud)


def put(owner: Any, name: str, ours: Any) -> None:
    """Put `ours` in the place of moto's."""
    setattr(owner, name, ours)
