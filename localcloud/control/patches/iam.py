"""moto knows AWS's own managed policies only when asked to; the cdk's bootstrap attaches them."""

from __future__ import annotations

from moto.core.config import default_user_config

from localcloud.cloud import Cloud


def install(cloud: Cloud) -> None:
    """Have moto load them with its first use of IAM (30 ms)."""
    default_user_config["iam"] = {"load_aws_managed_policies": True}
