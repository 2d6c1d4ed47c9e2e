"""Refuses by name what a function asks for and the local cloud can't honour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException, ValidationException

from localcloud.engines.functions import destinations
from localcloud.engines.functions.packages import UNZIPPED_BYTES
from localcloud.engines.functions.settings import ARCHITECTURE, RESERVED, RUNTIME

#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LIMITS = {"MemorySize": (128, 10_240), "Timeout": (1, 900)}
MOST_LAYERS = 5

#: Settings that would change what a function does, with what would be needed.
REFUSED = {
    "FileSystemConfigs": "an elastic file system",
    "CodeSigningConfigArn": "code signing",
    "CapacityProviderConfig": "managed instances",
    "DurableConfig": "durable execution",
    "TenancyConfig": "tenant isolation",
    "ImageConfig": "container images",
}


def check_settings(name: str, spec: Mapping[str, Any]) -> None:
    """Check what CreateFunction or an update asks for.

    Raises
    ------
    InvalidParameterValueException
        For what can't be honoured here, by name.
    ValidationException
        For a number outside Lambda's limits.
    """
    _check_platform(name, spec)
    for key, what in REFUSED.items():
        if spec.get(key):
            _refuse(name, key, spec[key], f"Remove it: there is no {what} here.")
    if (spec.get("VpcConfig") or {}).get("SubnetIds"):
        _refuse(name, "VpcConfig", spec["VpcConfig"], "Remove it: there is no network to join.")
    if (spec.get("SnapStart") or {}).get("ApplyOn", "None") != "None":
        _refuse(name, "SnapStart", spec["SnapStart"], "Remove it: nothing is snapshot here.")
    if (spec.get("TracingConfig") or {}).get("Mode", "PassThrough") != "PassThrough":
        _refuse(name, "TracingConfig", spec["TracingConfig"], "Remove it: there is no X-Ray here.")
    for key, (low, high) in LIMITS.items():
        if spec.get(key) is not None and not low <= int(spec[key]) <= high:
            limit = f"Member must have value between {low} and {high}"
            raise ValidationException(str(spec[key]), key[0].lower() + key[1:], limit)
    _check_environment(spec)
    _check_dead_letters(name, spec)


def check_code(code: Mapping[str, Any]) -> None:
    """Check where a zip is to come from."""
    if code.get("S3ObjectVersion"):
        _refuse(code["S3Key"], "S3ObjectVersion", code["S3ObjectVersion"], "Name a key of its own.")


def check_size(unzipped: int) -> None:
    """Hold a function and its layers under Lambda's limit together."""
    if unzipped > UNZIPPED_BYTES:
        raise InvalidParameterValueException(
            "Function code combined with layers exceeds the maximum allowed size of "
            f"{UNZIPPED_BYTES} bytes. The actual size is {unzipped} bytes."
        )


def check_invoke_config(name: str, config: Mapping[str, Any]) -> None:
    """Check where the results of asynchronous invocations go."""
    for which in ("OnSuccess", "OnFailure"):
        arn = config.get("DestinationConfig", {}).get(which, {}).get("Destination")
        if arn and destinations.service_of(arn) not in destinations.SERVICES:
            known = ", ".join(destinations.SERVICES)
            _refuse(name, f"{which}.Destination", arn, f"Use one of {known}.")


def _check_platform(name: str, spec: Mapping[str, Any]) -> None:
    if spec.get("PackageType", "Zip") != "Zip":
        _refuse(name, "PackageType", spec["PackageType"], "Deploy a zip: no container runs here.")
    if spec.get("Runtime", RUNTIME) != RUNTIME:
        known = f"This local cloud runs {RUNTIME}: build for that, or start it under that Python."
        _refuse(name, "Runtime", spec["Runtime"], known)
    if list(spec.get("Architectures") or [ARCHITECTURE]) != [ARCHITECTURE]:
        known = f"This machine runs {ARCHITECTURE}: build for that."
        _refuse(name, "Architectures", spec["Architectures"], known)
    if len(spec.get("Layers") or []) > MOST_LAYERS:
        raise InvalidParameterValueException(f"Cannot reference more than {MOST_LAYERS} layers.")


def _check_environment(spec: Mapping[str, Any]) -> None:
    taken = sorted(RESERVED.intersection((spec.get("Environment") or {}).get("Variables") or {}))
    if taken:
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment "
            "variables you have provided contains reserved keys that are currently not supported "
            f"for modification. Reserved keys used in this request: {', '.join(taken)}"
        )


def _check_dead_letters(name: str, spec: Mapping[str, Any]) -> None:
    arn = (spec.get("DeadLetterConfig") or {}).get("TargetArn")
    if arn and destinations.service_of(arn) not in ("sqs", "sns"):
        _refuse(name, "DeadLetterConfig.TargetArn", arn, "Name a queue or a topic.")


def _refuse(name: str, key: str, value: Any, do: str) -> None:
    raise InvalidParameterValueException(
        f"While setting up function {name}, found {key}={value!r}, which the local cloud can't "
        f"honour. {do}"
    )
