"""The `aws` that a build finds: ``aws ecr get-login-password``, and nothing else."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.engines.images import registry


class _Words(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(
            f"aws: While reading the command's words, found: {message}. "
            "A build of the local cloud has `aws ecr get-login-password [--region REGION]` alone. "
            "Do the rest outside of the build.",
            file=sys.stderr,
        )
        sys.exit(252)  # https://docs.aws.amazon.com/cli/latest/topic/return-codes.html


def main(words: Sequence[str] | None = None) -> None:
    """Print the password of the registry."""
    parser = _Words(prog="aws", description=__doc__, allow_abbrev=False)
    parser.add_argument("service", choices=["ecr"])
    parser.add_argument("verb", choices=["get-login-password"])
    parser.add_argument("--region")
    given = parser.parse_args(words)
    try:
        print(registry.password(boto3.client("ecr", region_name=given.region)))
    except (BotoCoreError, ClientError) as fault:
        print(f"aws: While getting the login password, found: {fault}", file=sys.stderr)
        sys.exit(254)


if __name__ == "__main__":
    main()
