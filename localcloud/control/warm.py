"""Loads what a first deploy needs while its client is still starting.

moto's services and boto3's models take some 2 s to load, more than half of it moto's Systems
Manager; the cloud answers before, and a request for a service that is being loaded waits.
"""

from __future__ import annotations

import importlib
import sys
import threading

from localcloud.cloud import Cloud

#: As boto3 names them, in the order in which the cdk's bootstrap needs them.
SERVICES = (
    "sts",
    "s3",
    "ecr",
    "iam",
    "ssm",
    "lambda",
    "kinesis",
    "sqs",
    "logs",
    "glue",
    "athena",
    "cloudwatch",
)
MODULES = {"lambda": "awslambda"}


def begin(cloud: Cloud) -> None:
    """Load in the background."""
    threading.Thread(target=_load, args=(cloud,), name="warm", daemon=True).start()


def _load(cloud: Cloud) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.001)  # a request's thread gets its turn sooner
    try:
        for service in SERVICES:
            importlib.import_module(f"moto.{MODULES.get(service, service)}.responses")
            cloud.client(service)
    finally:
        sys.setswitchinterval(before)
