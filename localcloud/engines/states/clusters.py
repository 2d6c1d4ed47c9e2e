"""EMR's calls in states: https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr.html.

A step that nobody waits for any more is cancelled; a cluster isn't ended ("Step Functions does
not terminate an Amazon EMR cluster automatically if execution is stopped").
"""

from __future__ import annotations

from typing import Any

import botocore.session

from localcloud.engines.states.job import Followed, Job, Shape, Submitted, Wrapped

OVER = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})


def _new_cluster(given: Shape) -> Shape:
    """RunJobFlow's request.

    Raises
    ------
    ValueError
        Where the cluster might be gone before it has a step.
    """
    instances = given.get("Instances") or {}
    if instances.get("KeepJobFlowAliveWhenNoSteps") is not True:
        raise ValueError("The field Instances.KeepJobFlowAliveWhenNoSteps must have the value true")
    return given


def _cluster(client: Any, submitted: Submitted) -> tuple[str, Shape]:
    id_ = submitted.get("ClusterId") or submitted.asked["ClusterId"]
    return "describeCluster", client.describe_cluster(ClusterId=id_)


def _made_cluster(client: Any, submitted: Submitted) -> tuple[str, Shape]:
    action, told = _cluster(client, submitted)
    return action, {"ClusterId": submitted["ClusterId"], **told}


def _cluster_state(told: Shape) -> str:
    return str(told["Cluster"]["Status"]["State"])


def _step(client: Any, submitted: Submitted) -> tuple[str, Shape]:
    cluster, step = submitted.asked["ClusterId"], submitted["StepId"]
    return "describeStep", client.describe_step(ClusterId=cluster, StepId=step)


def _cancel_step(client: Any, submitted: Submitted) -> Any:
    cluster, step = submitted.asked["ClusterId"], submitted["StepId"]
    return client.cancel_steps(ClusterId=cluster, StepIds=[step])


def _new_step(given: Shape) -> Shape:
    role = {"ExecutionRoleArn": given["ExecutionRoleArn"]} if "ExecutionRoleArn" in given else {}
    return {"JobFlowId": given["ClusterId"], "Steps": [given["Step"]], **role}


def _run_job_flow() -> frozenset[str]:
    model = botocore.session.get_session().get_service_model("emr")
    return frozenset(model.operation_model("RunJobFlow").input_shape.members) - {"Steps"}


_WRAPPED = {
    "createCluster": Wrapped(
        "runJobFlow",
        _run_job_flow(),
        _new_cluster,
        lambda told: {"ClusterId": told["JobFlowId"]},
    ),
    "terminateCluster": Wrapped(
        "terminateJobFlows",
        frozenset({"ClusterId"}),
        lambda given: {"JobFlowIds": [given["ClusterId"]]},
        lambda told: {},
    ),
    "setClusterTerminationProtection": Wrapped(
        "setTerminationProtection",
        frozenset({"ClusterId", "TerminationProtected"}),
        lambda given: {
            "JobFlowIds": [given["ClusterId"]],
            "TerminationProtected": given["TerminationProtected"],
        },
        lambda told: {},
    ),
    "addStep": Wrapped(
        "addJobFlowSteps",
        frozenset({"ClusterId", "Step", "ExecutionRoleArn"}),
        _new_step,
        lambda told: {"StepId": told["StepIds"][0]},
    ),
    "cancelStep": Wrapped(
        "cancelSteps",
        frozenset({"ClusterId", "StepId"}),
        lambda given: {"ClusterId": given["ClusterId"], "StepIds": [given["StepId"]]},
        lambda told: {"CancelStepsInfo": told["CancelStepsInfoList"][0]},
    ),
}

# The names as https://github.com/aws/aws-cdk/issues/13735 shows them, of a refused addStep:
# "EMR.AmazonElasticMapReduceException", "(Service: AmazonElasticMapReduce; Status Code: 400; …)".
# Step Functions' own pages list no errors of EMR; the two that EMR's API has a class for,
# EMR.InternalServerException and EMR.InvalidRequestException, are formed as other services' are.
EMR = Job(
    "AmazonElasticMapReduce",
    "EMR",
    frozenset(_WRAPPED),
    {
        "createCluster": Followed(
            _made_cluster, _cluster_state, frozenset({"WAITING"}), OVER, lambda *_: None
        ),
        "terminateCluster": Followed(_cluster, _cluster_state, OVER, frozenset(), lambda *_: None),
        "addStep": Followed(
            _step,
            lambda told: str(told["Step"]["Status"]["State"]),
            frozenset({"COMPLETED"}),
            frozenset({"FAILED", "CANCELLED", "INTERRUPTED"}),
            _cancel_step,
        ),
    },
    _WRAPPED,
)
