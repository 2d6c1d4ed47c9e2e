"""What an execution environment is made from; two that differ are two environments."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import Any

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"

#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, reserved variables.
RESERVED = frozenset(
    {
        *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV"),
        *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        *("AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE"),
        *("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API"),
        *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
    }
)


@dataclass(frozen=True)
class Settings:
    """One version of a function as it runs.

    Parameters
    ----------
    layers : tuple of str
        ARNs of the layer versions, merged in this order.
    memory_mb : int
        Memory in MiB.
    timeout_s : int
        Seconds an invocation may take.
    """

    name: str
    version: str
    arn: str
    handler: str
    code_digest: str
    layers: tuple[str, ...]
    memory_mb: int
    timeout_s: int
    environment: tuple[tuple[str, str], ...]
    log_group: str
    log_format: str
    log_level: str


def settings_of(function: Any) -> Settings:
    """Read moto's function as it is now."""
    logging = getattr(function, "logging_config", None) or {}
    return Settings(
        name=function.function_name,
        version=str(function.version),
        arn=function.function_arn,
        handler=function.handler,
        code_digest=function.code_digest,
        layers=tuple(layer["Arn"] for layer in function.layers),
        memory_mb=int(function.memory_size),
        timeout_s=int(function.timeout),
        environment=tuple(sorted((function.environment_vars or {}).items())),
        log_group=logging.get("LogGroup") or f"/aws/lambda/{function.function_name}",
        log_format=logging.get("LogFormat") or "Text",
        log_level=logging.get("ApplicationLogLevel") or "",
    )


def variables(
    settings: Settings, log_stream: str, paths: dict[str, str], aws: dict[str, str]
) -> dict[str, str]:
    """The whole environment of a function's process: AWS's own, the function's, the reserved.

    Parameters
    ----------
    paths : dict
        ``task``, ``opt``, ``runtime``, ``home`` and ``tmp``.
    aws : dict
        Region, credentials, endpoint and the Runtime API's address.
    """
    level = {"AWS_LAMBDA_LOG_LEVEL": settings.log_level} if settings.log_level else {}
    return {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": f"/usr/local/bin:/usr/bin:/bin:{paths['opt']}/bin",
        "LD_LIBRARY_PATH": f"{paths['task']}:{paths['task']}/lib:{paths['opt']}/lib",
        "HOME": paths["home"],
        "TMPDIR": paths["tmp"],
        "AWS_ENDPOINT_URL": aws["AWS_ENDPOINT_URL"],
        **dict(settings.environment),
        **aws_identity(settings, log_stream),
        **{name: value for name, value in aws.items() if name != "AWS_ENDPOINT_URL"},
        **level,
        "LAMBDA_TASK_ROOT": paths["task"],
        "LAMBDA_RUNTIME_DIR": paths["runtime"],
    }


def aws_identity(settings: Settings, log_stream: str) -> dict[str, str]:
    """The variables that tell a function who it is."""
    return {
        "_HANDLER": settings.handler,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
        "AWS_LAMBDA_FUNCTION_NAME": settings.name,
        "AWS_LAMBDA_FUNCTION_VERSION": settings.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": settings.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_LOG_FORMAT": settings.log_format.upper(),
    }
