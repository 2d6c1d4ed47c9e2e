"""Watches moto's event source mappings: checks them, and tells the engines when one changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.awslambda import models
from moto.core.exceptions import JsonRESTError

from localcloud.engines.mappings import checks
from localcloud.engines.patching import wrap

#: What AWS shows of a stream's mapping where nothing was asked for.
STREAM_DEFAULTS = {
    "max_batch_window": 0,
    "parallelization_factor": 1,
    "bisect_on_error": False,
    "max_retry_attempts": -1,
    "max_record_age": -1,
    "tumbling_window": 0,
}
#: Settings by AWS's name, and moto's attribute.
ATTRIBUTES = {
    "EventSourceArn": "event_source_arn",
    "BatchSize": "batch_size",
    "MaximumBatchingWindowInSeconds": "max_batch_window",
    "StartingPosition": "starting_position",
    "StartingPositionTimestamp": "starting_position_timestamp",
    "BisectBatchOnFunctionError": "bisect_on_error",
    "MaximumRetryAttempts": "max_retry_attempts",
    "MaximumRecordAgeInSeconds": "max_record_age",
    "ParallelizationFactor": "parallelization_factor",
    "TumblingWindowInSeconds": "tumbling_window",
    "DestinationConfig": "destination_config",
    "FunctionResponseTypes": "function_response_types",
    "ScalingConfig": "scaling_config",
}
#: `LastProcessingResult` until a first batch is sent.
NOTHING_TO_PROCESS = "No records processed"


class MappingError(JsonRESTError):
    """A mapping that Lambda would not make."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(error_type, message)
        self.code = status


class Registry:
    """The mappings of one cloud.

    Parameters
    ----------
    lambdas
        moto's Lambda of the account and region.
    """

    def __init__(self, lambdas: Any) -> None:
        self._lambdas = lambdas
        self._changed: list[Callable[[], None]] = []
        self._created: list[Callable[[Any], None]] = []

    def of(self, *sources: str) -> list[Any]:
        """The enabled mappings of these sources, as moto keeps them."""
        every = list(self._lambdas._event_source_mappings.values())
        return [m for m in every if m.enabled and checks.source_of(m.event_source_arn) in sources]

    def get(self, uuid: str) -> Any:
        """A mapping, or None once it is deleted or disabled."""
        mapping = self._lambdas._event_source_mappings.get(uuid)
        return mapping if mapping is not None and mapping.enabled else None

    def exists(self, uuid: str) -> bool:
        """Whether a mapping is there, enabled or not."""
        return uuid in self._lambdas._event_source_mappings

    def watch(self, changed: Callable[[], None], created: Callable[[Any], None]) -> None:
        """Have `created` called with a new mapping, and `changed` after every change."""
        self._changed.append(changed)
        self._created.append(created)

    def tell(self) -> None:
        """Tell every engine that something changed."""
        for changed in self._changed:
            changed()

    def install(self) -> None:
        """Put the checks and the notices into moto."""
        wrap(
            models.LambdaBackend,
            create_event_source_mapping=self._creating,
            update_event_source_mapping=self._updating,
            delete_event_source_mapping=self._deleting,
            list_event_source_mappings=_listing,
        )
        wrap(models.EventSourceMapping, get_configuration=_configuration)

    def _creating(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def create(backend: Any, spec: dict[str, Any]) -> Any:
            arn = spec.get("EventSourceArn") or ""
            source = checks.source_of(arn)
            checks.check(source, spec)
            function = backend.get_function(spec["FunctionName"])
            self._check_new(arn, function)
            if source.startswith("sqs"):
                _check_visibility(backend, arn, function)
            mapping = original(backend, spec)
            mapping.last_result = NOTHING_TO_PROCESS
            if source == "kinesis":
                _fill(mapping)
            for created in self._created:
                created(mapping)
            self.tell()
            return mapping

        return create

    def _check_new(self, arn: str, function: Any) -> None:
        for other in self._lambdas._event_source_mappings.values():
            if (other.event_source_arn, other.function_arn) == (arn, function.function_arn):
                raise MappingError(
                    409,
                    "ResourceConflictException",
                    f"The event source arn ({arn}) and function ({function.function_name}) "
                    "provided mapping already exists. Please update or delete the existing "
                    f"mapping with UUID {other.uuid}",
                )

    def _updating(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def update(backend: Any, uuid: str, spec: dict[str, Any]) -> Any:
            mapping = backend.get_event_source_mapping(uuid)
            if mapping is None:
                raise MappingError(
                    404, "ResourceNotFoundException", "The resource you requested does not exist."
                )
            source = checks.source_of(mapping.event_source_arn)
            now = {key: getattr(mapping, name) for key, name in ATTRIBUTES.items()}
            checks.check(source, now | {k: v for k, v in spec.items() if v is not None})
            updated = original(backend, uuid, spec)
            self.tell()
            return updated

        return update

    def _deleting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def delete(backend: Any, uuid: str) -> Any:
            gone = original(backend, uuid)
            self.tell()
            return gone

        return delete


def _configuration(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def get(self: Any) -> dict[str, Any]:
        told = original(self) | {"LastProcessingResult": getattr(self, "last_result", None)}
        told.setdefault("FunctionResponseTypes", [])
        if told["FunctionResponseTypes"] is None:
            told["FunctionResponseTypes"] = []
        return told

    return get


def _listing(original: Callable[..., Any]) -> Callable[..., Any]:
    """List by function as AWS does: by name or ARN, however the mapping itself named it."""

    def listed(self: Any, event_source_arn: str | None, function_name: str | None) -> Any:
        found = original(self, event_source_arn, None)
        if not function_name:
            return found
        bare = function_name.rsplit("function:", 1)[-1]
        return [m for m in found if m.function_arn.rsplit("function:", 1)[-1] == bare]

    return listed


def _fill(mapping: Any) -> None:
    for attribute, value in STREAM_DEFAULTS.items():
        if getattr(mapping, attribute) is None:
            setattr(mapping, attribute, value)


def _check_visibility(backend: Any, arn: str, function: Any) -> None:
    from moto.sqs.models import sqs_backends

    queues = sqs_backends[backend.account_id][backend.region_name].queues
    queue: Any = queues.get(arn.rsplit(":", 1)[-1])
    if queue is not None and int(queue.visibility_timeout) < int(function.timeout):
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        raise MappingError(
            400,
            "InvalidParameterValueException",
            f"Invalid request provided: Queue visibility timeout: {queue.visibility_timeout} "
            f"seconds is less than Function timeout: {function.timeout} seconds",
        )
