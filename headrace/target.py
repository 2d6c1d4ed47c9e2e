"""Where everything goes: the one place that knows a laptop from AWS."""

from __future__ import annotations

import functools
import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from headrace.plan import ROOT, Plan

#: Files of the running local cloud; the tool's own, never a user's. One cloud a folder.
STATE = Path(os.environ.get("HEADRACE_STATE", ROOT / ".headrace"))
READY = STATE / "cloud.json"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
LOCAL_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


class TargetError(RuntimeError):
    """The target can't be reached."""


class NotUpError(TargetError):
    """No local cloud runs."""


@dataclass(frozen=True)
class Functions:
    """How lithops runs a notebook's functions at a target.

    Parameters
    ----------
    backend : str
        lithops' name of the compute backend.
    settings : dict
        That backend's section of lithops' configuration.
    workers : int
        Functions that run at one time, if nobody says.
    workers_word : str
        The backend's own word for that number.
    storage : dict
        What its S3 client needs beyond the bucket, on this machine and in the functions.
    poll_s : float
        Seconds between two looks at what is done.
    needs_role : bool
        Whether the functions run under a role that the study deploys.
    """

    backend: str
    settings: dict[str, Any]
    workers: int
    workers_word: str
    storage: dict[str, str]
    poll_s: float
    needs_role: bool


@dataclass(frozen=True)
class Target:
    """One place to deploy to.

    Parameters
    ----------
    name : {"local", "aws"}
    runtime : str
        Lambda runtime that functions are built for, as `python3.13`.
    architecture : {"x86_64", "arm64"}
    environment : dict
        What the SDK, the CDK and the aws CLI need beyond the user's own environment.
    functions : Functions
        How a notebook's functions run.
    platform : str, optional
        uv's name of the platform that functions run on; none is this machine's own.
    node_python : str
        Python of a cluster's nodes, as `python3.11`.
    node_platform : str, optional
        uv's name of the nodes' platform; none is this machine's own.
    """

    name: str
    runtime: str
    architecture: str
    environment: dict[str, str]
    functions: Functions
    platform: str | None = None
    node_python: str = f"python{sys.version_info.major}.{sys.version_info.minor}"
    node_platform: str | None = None

    @property
    def python(self) -> str:
        """Python version of the functions, as `3.13`."""
        return self.runtime.removeprefix("python")

    @property
    def gpus(self) -> bool:
        """Whether jobs find GPUs there; see :func:`has_gpus`."""
        return has_gpus(self.name)

    def client(self, service: str, config: Any = None) -> Any:
        """Make a boto3 client of this target; `config` is a :class:`botocore.config.Config`."""
        import boto3  # here: the CDK app asks for no client, and it takes a quarter of a second

        env = self.environment
        return boto3.client(
            service,
            region_name=env.get("AWS_REGION"),
            endpoint_url=env.get("AWS_ENDPOINT_URL"),
            aws_access_key_id=env.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=env.get("AWS_SECRET_ACCESS_KEY"),
            config=config,
        )


def has_gpus(name: str) -> bool:
    """Whether jobs find GPUs at the target of that name.

    HEADRACE_GPUS says so, 0 or 1. Unset, AWS has them, though a new account's quota may be none;
    a laptop has those that NVIDIA's driver lists.

    Raises
    ------
    TargetError
        Where HEADRACE_GPUS is something else.
    """
    told = os.environ.get("HEADRACE_GPUS", "")
    if told not in ("", "0", "1"):
        raise TargetError(f"While reading HEADRACE_GPUS, found {told!r}. Give 0 or 1, or unset it.")
    if told:
        return told == "1"
    return name == "aws" or _gpus_here()


def on(plan: Plan, name: str) -> Plan:
    """The plan as it is at the target of that name: on CPUs where it has no GPUs."""
    wants = any(stage.queue.startswith("gpu") for stage in plan.tasks)
    return plan.without_gpus() if wants and not has_gpus(name) else plan


@functools.cache
def _gpus_here() -> bool:
    if (asked := shutil.which("nvidia-smi")) is None:
        return False
    try:
        told = subprocess.run([asked, "-L"], capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:  # a driver that hangs computes nothing either
        return False
    # "GPU 0: Tesla T4 (UUID: GPU-…)"
    return any(line.startswith("GPU ") for line in told.stdout.splitlines())


def of_environment() -> Target:
    """The target that the environment names, as bare `cdk` and boto3 would take it."""
    named = os.environ.get("HEADRACE_TARGET")
    host = urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname
    if named == "local" or (named is None and host in LOOPBACK):
        return local(os.environ.get("AWS_ENDPOINT_URL"))
    return aws()


def named(name: str) -> Target:
    """The target called `local` or `aws`; the local one must be up.

    A loopback AWS_ENDPOINT_URL is the local one's, as for any SDK.

    Raises
    ------
    NotUpError
        Where no local cloud answers.
    """
    if name == "aws":
        return aws()
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if urlsplit(endpoint).hostname in LOOPBACK:
        return local(endpoint)
    if not READY.is_file():
        raise NotUpError(
            "While looking for the local cloud, found none running. Start one with `headrace up`."
        )
    return local(json.loads(READY.read_text())["endpoint"])


def aws() -> Target:
    """AWS itself, with the user's own credentials and region.

    Raises
    ------
    TargetError
        Where the environment still points the SDKs at a laptop.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if urlsplit(endpoint).hostname in LOOPBACK:
        raise TargetError(
            f"While choosing AWS, found AWS_ENDPOINT_URL={endpoint}, a laptop's. Open a new "
            "shell, or unset what `headrace env` set."
        )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    environment = {"HEADRACE_TARGET": "aws"} | ({"AWS_REGION": region} if region else {})
    # 3.13 is supported until 2029, and arm64 costs a fifth less per GB-second:
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
    # Amazon Linux 2023 has glibc 2.34, so wheels for 2.28 load:
    # https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html
    return Target(
        "aws",
        "python3.13",
        "arm64",
        environment,
        _on_lambda(region),
        "aarch64-manylinux_2_28",
        # EMR 7 has Python 3.9 and, beside it, 3.11, on Amazon Linux 2023 and its glibc 2.34:
        # https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-7130-release.html
        "python3.11",
        "x86_64-manylinux_2_34",
    )


def _on_lambda(region: str | None) -> Functions:
    # lithops makes its own function, of the notebook's Python (what is pickled is bytecode), and
    # a layer that it builds on x86_64, whatever its word `architecture` says of zips. Class
    # accounts are suspended above 10 functions at a time: 8, as a Map stage.
    return Functions(
        backend="aws_lambda",
        settings={"runtime_memory": 1769, "runtime_timeout": 300, "region": region},
        workers=8,
        workers_word="max_workers",
        storage={"region": region} if region else {},
        poll_s=2.0,
        needs_role=True,
    )


def local(endpoint: str | None) -> Target:
    """The local cloud at `endpoint`: functions run under the Python that runs this."""
    arm = platform.machine().lower() in ("arm64", "aarch64")
    environment = {
        "HEADRACE_TARGET": "local",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        # The CDK keeps the account that a key belongs to: a home of its own, or it would
        # mix the laptop's account with a real one.
        "CDK_HOME": str(Path(STATE / "cdk-home")),
        **LOCAL_CREDENTIALS,
        **({"AWS_ENDPOINT_URL": endpoint} if endpoint else {}),
    }
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    functions = _on_this_machine(endpoint)
    return Target("local", version, "arm64" if arm else "x86_64", environment, functions)


def _on_this_machine(endpoint: str | None) -> Functions:
    # lithops' own Lambda backend calls AWS's host whatever the endpoint says. Of its backends
    # on this machine the first one has a process a worker, the second a process a call.
    return Functions(
        backend="localhost",
        settings={"version": 1, "runtime": sys.executable},
        workers=os.cpu_count() or 1,
        workers_word="worker_processes",
        storage={
            "region": "us-east-1",
            "access_key_id": LOCAL_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            "secret_access_key": LOCAL_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            **({"endpoint": endpoint} if endpoint else {}),
        },
        poll_s=0.2,
        needs_role=False,
    )
