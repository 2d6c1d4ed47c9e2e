"""Which calls a Task can make here, and with which parameters.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.engines.states import definition, tasks
from localcloud.engines.states.clusters import EMR

#: The optimised integrations: each call with how it can be waited for.
CALLS: dict[str, tuple[str, ...]] = {
    "lambda:invoke": ("", "waitForTaskToken"),
    "athena:startQueryExecution": ("", "sync"),
    "athena:stopQueryExecution": ("",),
    "athena:getQueryExecution": ("",),
    "athena:getQueryResults": ("",),
    "batch:submitJob": ("", "sync"),
    "elasticmapreduce:createCluster": ("", "sync"),
    "elasticmapreduce:terminateCluster": ("", "sync"),
    "elasticmapreduce:setClusterTerminationProtection": ("",),
    "elasticmapreduce:addStep": ("", "sync"),
    "elasticmapreduce:cancelStep": ("",),
    "sqs:sendMessage": ("", "waitForTaskToken"),
    "sns:publish": ("", "waitForTaskToken"),
    "states:startExecution": ("", "sync", "sync:2", "waitForTaskToken"),
}

#: Where AWS takes fewer parameters than the API has; what moto drops without a word.
PARAMETERS = {
    **{f"elasticmapreduce:{name}": call.takes for name, call in EMR.wrapped.items()},
    "lambda:invoke": frozenset({"FunctionName", "Payload", "Qualifier", "ClientContext"}),
    "states:startExecution": frozenset({"StateMachineArn", "Input", "Name"}),
}


def check(state: Mapping[str, Any], where: str) -> None:
    """Check a Task's resource and the names of its parameters.

    Raises
    ------
    definition.Unfit
    """
    resource = str(state.get("Resource", ""))
    parts = resource.split(":", 5)
    if len(parts) == 6 and parts[2] == "lambda" and parts[5].startswith("function:"):
        return
    if len(parts) < 6 or parts[2] != "states" or parts[3] or parts[4]:
        raise definition.unable("Resource", resource, where)
    call, _, pattern = parts[5].partition(".")
    if call.startswith("aws-sdk:"):
        service, _, action = call.removeprefix("aws-sdk:").partition(":")
        known = tasks.operation(service, action) is not None
        patterns: tuple[str, ...] = ("", "waitForTaskToken")
    else:
        service, _, action = call.partition(":")
        known, patterns = call in CALLS, CALLS.get(call, ())
    if not known or pattern not in patterns:
        raise definition.unable("Resource", resource, where)
    _parameters(state.get("Parameters") or {}, call, service, action, where)


def _parameters(given: Mapping[str, Any], call: str, service: str, action: str, where: str) -> None:
    model = tasks.operation(service, action)
    members = model.input_shape.members if model and model.input_shape else {}
    takes = {name.lower() for name in PARAMETERS.get(call, members)}
    for name in given:
        if name.removesuffix(".$").lower() not in takes:
            raise definition.Unfit(
                f"The field {name!r} is not supported by Step Functions for {call}",
                f"{where}/Parameters",
            )
