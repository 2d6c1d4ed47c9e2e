"""State machines: made, changed, described and deleted; refused by name where they can't run."""

from __future__ import annotations

import uuid
from typing import Any, cast

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import ValidationException
from moto.stepfunctions.models import StateMachine, StepFunctionBackend
from moto.stepfunctions.parser.asl.parse.asl_parser import ASLParserException
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from localcloud.engines.patching import Method, patch, wrap
from localcloud.engines.states import definition as definitions
from localcloud.engines.states.program import parsed

#: Calls whose effect nothing here has.
UNKNOWN = {
    "create_state_machine_alias": "aliases",
    "update_map_run": "UpdateMapRun",
    "create_activity": "activities",
}


class InvalidDefinition(AWSError):  # noqa: N818
    """A definition that can't be run."""

    TYPE, STATUS = "InvalidDefinition", 400


class StateMachineAlreadyExists(AWSError):  # noqa: N818
    """Another machine has the name."""

    TYPE, STATUS = "StateMachineAlreadyExists", 400


def install() -> None:
    """Put these in moto's place."""
    patch(StepFunctionsParserBackend, _validate_definition=staticmethod(check))
    wrap(StepFunctionsParserBackend, create_state_machine=_create, update_state_machine=_update)
    wrap(StepFunctionBackend, delete_state_machine=_delete)
    wrap(StepFunctionResponse, _describe_state_machine=_described)
    patch(StepFunctionResponse, **{name: _refusal(what) for name, what in UNKNOWN.items()})


def check(definition: str) -> None:
    """Check a definition.

    Raises
    ------
    InvalidDefinition
        Naming what is wrong, or can't be honoured here.
    """
    try:
        definitions.check(definition)
        parsed(definition)
    except definitions.Unfit as fault:
        raise InvalidDefinition(f"Invalid State Machine Definition: '{fault}'") from None
    except ASLParserException as fault:
        told = f"SCHEMA_VALIDATION_FAILED: {fault!r}"
        raise InvalidDefinition(f"Invalid State Machine Definition: '{told}'") from None
    except Exception as fault:
        told = f"SCHEMA_VALIDATION_FAILED: {type(fault).__name__}: {fault}"
        raise InvalidDefinition(f"Invalid State Machine Definition: '{told}'") from None


def _refuse(what: str, value: Any, do: str) -> ValidationException:
    return ValidationException(
        f"While setting up a state machine, found {what}={value!r}, which the local cloud can't "
        f"honour. {do}"
    )


def _check_settings(given: dict[str, Any]) -> None:
    kind = given.get("sm_type") or "STANDARD"
    if kind != "STANDARD":
        raise _refuse("type", kind, "Use STANDARD.")
    if given.get("publish"):
        raise _refuse("publish", True, "Leave it out: there are no versions here.")
    for name in ("tracingConfiguration", "tracing_configuration"):
        if (given.get(name) or {}).get("enabled"):
            raise _refuse("tracingConfiguration.enabled", True, "There is no X-Ray here.")
    for name in ("encryptionConfiguration", "encryption_configuration"):
        key = (given.get(name) or {}).get("type", "AWS_OWNED_KEY")
        if key != "AWS_OWNED_KEY":
            raise _refuse("encryptionConfiguration.type", key, "Use AWS_OWNED_KEY.")


def _create(create: Method) -> Method:
    def made(self: Any, name: str, definition: str, roleArn: str, **more: Any) -> StateMachine:  # noqa: N803
        _check_settings(more)
        arn = (
            f"arn:{self.partition}:states:{self.region_name}:{self.account_id}:stateMachine:{name}"
        )
        for other in self.state_machines:
            # https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
            # the same once more is no error; what differs is.
            if other.arn == arn and other.definition != definition:
                raise StateMachineAlreadyExists(f"State Machine Already Exists: '{arn}'")
        machine: StateMachine = create(self, name, definition, roleArn, **more)
        return machine

    return made


def _update(update: Method) -> Method:
    def updated(self: Any, arn: str, *words: Any, **more: Any) -> StateMachine:
        _check_settings(more)
        machine: StateMachine = update(self, arn, *words, **more)
        machine.revision_id = str(uuid.uuid4())  # type: ignore[attr-defined]
        return machine

    return updated


def _delete(delete: Method) -> Method:
    def deleted(self: Any, arn: str) -> None:
        # https://docs.aws.amazon.com/step-functions/latest/apireference/API_DeleteStateMachine.html
        # what runs of it is ended.
        for machine in self.state_machines:
            if machine.arn == arn:
                for execution in list(machine.executions):
                    if execution.status == "RUNNING":
                        execution.stop(None, None, "The state machine is deleted")
        delete(self, arn)

    return deleted


def _described(describe: Method) -> Method:
    def answer(self: Any, state_machine_arn: str) -> ActionResult:
        told: ActionResult = describe(self, state_machine_arn)
        machine = self.stepfunction_backend.describe_state_machine(state_machine_arn)
        if revision := getattr(machine, "revision_id", None):
            cast(dict[str, Any], told.result)["revisionId"] = revision
        return told

    return answer


def _refusal(what: str) -> Method:
    def refuse(self: Any) -> ActionResult:
        raise ValidationException(
            f"While answering a call for {what}, found something that the local cloud can't "
            "honour. Do without it, or use AWS."
        )

    return refuse
