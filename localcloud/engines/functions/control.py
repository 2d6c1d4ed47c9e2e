"""Teaches moto's functions what it ignores: checks, settings it drops, the size of code.

moto 5.2.5 keeps neither `LoggingConfig` nor `DeadLetterConfig`, and its update drops five
settings in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.awslambda import models
from moto.awslambda.exceptions import InvalidParameterValueException

from localcloud.engines.functions import checks
from localcloud.engines.functions.packages import Package, PackageError, Packages
from localcloud.engines.functions.service import Functions
from localcloud.engines.patching import wrap

Function, Backend, Layer = models.LambdaFunction, models.LambdaBackend, models.LayerVersion

#: What we keep for it, under these attributes of its function.
KEPT_HERE = {
    "LoggingConfig": "logging_config",
    "DeadLetterConfig": "dead_letter_config",
    "TracingConfig": "tracing_config",
    "KMSKeyArn": "kms_key_arn",
}
CODE = ("code_bytes", "code_size", "code_sha_256", "code_digest", "package")


def install(functions: Functions) -> None:
    """Put the patches in place."""
    wrap(
        Function,
        __init__=_creating,
        get_configuration=_configuration,
        update_configuration=_updating,
        _set_function_code=lambda original: _coding(original, functions.packages),
    )
    wrap(Layer, __init__=lambda original: _layering(original, functions.packages))
    wrap(
        Backend,
        delete_function=lambda original: _deleting(original, functions),
        put_function_event_invoke_config=_configuring_invokes,
    )


def _creating(original: Callable[..., None]) -> Callable[..., None]:
    def create(self: Any, account_id: str, spec: dict[str, Any], *args: Any, **more: Any) -> None:
        if "Runtime" not in spec and spec.get("PackageType", "Zip") == "Zip":
            raise InvalidParameterValueException(
                "Runtime and Handler are mandatory parameters for functions created with "
                "deployment packages."
            )
        checks.check_settings(spec["FunctionName"], {"Architectures": ["x86_64"]} | spec)
        _keep(self, spec)
        original(self, account_id, spec, *args, **more)
        # A function keeps a layer version that is deleted.
        self.attached = _versions(self, [layer["Arn"] for layer in self.layers])
        checks.check_size(_unzipped(self, self.attached))

    return create


def _configuration(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def get(self: Any, on_create: bool = False) -> dict[str, Any]:
        told = original(self, on_create)
        given = getattr(self, "logging_config", None) or {}
        group = f"/aws/lambda/{self.function_name}"
        told["LoggingConfig"] = {"LogFormat": "Text", "LogGroup": group} | given
        if (getattr(self, "dead_letter_config", None) or {}).get("TargetArn"):
            told["DeadLetterConfig"] = self.dead_letter_config
        return told

    return get


def _updating(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def update(self: Any, changes: dict[str, Any]) -> dict[str, Any]:
        checks.check_settings(self.function_name, changes)
        attached = _versions(self, changes["Layers"]) if "Layers" in changes else self.attached
        checks.check_size(_unzipped(self, attached))
        original(self, changes)
        self.attached = attached
        _keep(self, changes)
        if changes.get("EphemeralStorage"):
            self.ephemeral_storage = changes["EphemeralStorage"]["Size"]
        told: dict[str, Any] = self.get_configuration()
        return told

    return update


def _coding(original: Callable[..., None], packages: Packages) -> Callable[..., None]:
    def set_code(self: Any, spec: dict[str, Any]) -> None:
        checks.check_settings(
            self.function_name,
            {key: spec[key] for key in ("ImageUri", "Architectures") if key in spec}
            | ({"PackageType": "Image"} if "ImageUri" in spec else {}),
        )
        before = {name: getattr(self, name) for name in CODE if hasattr(self, name)}
        try:
            _checked(self, packages, spec, lambda: original(self, spec))
            if before:
                checks.check_size(_unzipped(self, self.attached))
        except InvalidParameterValueException:
            self.__dict__.update(before)
            raise

    return set_code


def _layering(original: Callable[..., None], packages: Packages) -> Callable[..., None]:
    def create(self: Any, spec: dict[str, Any], *args: Any, **words: Any) -> None:
        _checked(self, packages, spec["Content"], lambda: original(self, spec, *args, **words))

    return create


def _deleting(original: Callable[..., None], functions: Functions) -> Callable[..., None]:
    def delete(self: Any, function_name: str, qualifier: str | None = None) -> None:
        arn = self.get_function(function_name, qualifier).function_arn
        original(self, function_name, qualifier)
        functions.forget(arn)

    return delete


def _configuring_invokes(original: Callable[..., Any]) -> Callable[..., Any]:
    def put(self: Any, function_name: str, config: dict[str, Any]) -> Any:
        checks.check_invoke_config(function_name, config)
        answer = original(self, function_name, config)
        function = self.get_function(function_name)
        # moto appends, and reads the first: a second call changed nothing.
        function.event_invoke_config = function.event_invoke_config[-1:]
        return answer

    return put


def _checked(
    self: Any, packages: Packages, spec: dict[str, Any], set_code: Callable[[], None]
) -> None:
    """Have moto take a zip, and look into it; what moto answers 500 to is said as AWS says it."""
    checks.check_code(spec)
    try:
        set_code()
        if "S3Key" in spec and not self.code_bytes:
            raise InvalidParameterValueException(
                "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: "
                "The specified key does not exist."
            )
        if not spec.get("DryRun"):
            self.package = packages.keep(self.code_bytes)
            self.code_bytes = b""  # some 100 MB of layers would stay in memory
    except PackageError as fault:
        raise InvalidParameterValueException(str(fault)) from fault
    except ValueError as fault:
        if fault.args[:1] != ("InvalidParameterValueException",):
            raise
        raise InvalidParameterValueException(fault.args[1]) from fault


def _keep(self: Any, spec: dict[str, Any]) -> None:
    for key, attribute in KEPT_HERE.items():
        if key in spec:
            setattr(self, attribute, spec[key])


def _versions(self: Any, arns: list[str]) -> list[Any]:
    backend = models.lambda_backends[self.account_id][self.region]
    return [version for arn in arns if (version := backend.layers_versions_by_arn(arn))]


def _unzipped(self: Any, layers: list[Any]) -> int:
    every: list[Package] = [self.package, *(layer.package for layer in layers)]
    return sum(package.unzipped_bytes for package in every)
