"""EMR's API over the clusters here; moto has the protocol, release labels and instance types."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.validate import ParamValidator
from moto.emr.responses import ElasticMapReduceResponse

from localcloud.engines.emr import policies
from localcloud.engines.emr.clusters import CLOSING, Cluster
from localcloud.engines.emr.errors import invalid, validation
from localcloud.engines.emr.service import Service
from localcloud.engines.emr.telling import Telling
from localcloud.engines.patching import patch

Shape = dict[str, Any]

#: What moto answers out of its own clusters, of which there are none.
REFUSED = (
    "add_instance_groups",
    "create_security_configuration",
    "delete_security_configuration",
    "describe_job_flows",
    "describe_security_configuration",
    "modify_instance_groups",
    "put_auto_scaling_policy",
    "remove_auto_scaling_policy",
)


class Actions(Telling):
    """What each call answers."""

    def run_job_flow(self, given: Shape) -> Shape:
        """Make a cluster."""
        cluster = self.service.run(given)
        return {"JobFlowId": cluster.id, "ClusterArn": cluster.arn}

    def add_job_flow_steps(self, given: Shape) -> Shape:
        """Add steps."""
        cluster = self.service.change(given["JobFlowId"])
        steps = self.service.add(cluster, given["Steps"], given.get("ExecutionRoleArn"))
        return {"StepIds": [step.id for step in steps]}

    def cancel_steps(self, given: Shape) -> Shape:
        """Cancel steps."""
        cluster = self.service.find(given["ClusterId"])
        return {"CancelStepsInfoList": self.service.cancel(cluster, given["StepIds"])}

    def terminate_job_flows(self, given: Shape) -> Shape:
        """Begin to end clusters."""
        self.service.terminate(given["JobFlowIds"])
        return {}

    def set_termination_protection(self, given: Shape) -> Shape:
        """Protect clusters, or no more."""
        self.service.protect(given["JobFlowIds"], given["TerminationProtected"])
        return {}

    def set_keep_job_flow_alive_when_no_steps(self, given: Shape) -> Shape:
        """Have clusters wait when all steps are done, or end."""
        for cluster in [self.service.change(id_) for id_ in given["JobFlowIds"]]:
            with cluster.changed:
                cluster.keep_alive = given["KeepJobFlowAliveWhenNoSteps"]
                cluster.changed.notify_all()
        return {}

    def set_visible_to_all_users(self, given: Shape) -> Shape:
        """Keep who is to see clusters."""
        for cluster in [self.service.change(id_) for id_ in given["JobFlowIds"]]:
            cluster.visible = given["VisibleToAllUsers"]
        return {}

    def modify_cluster(self, given: Shape) -> Shape:
        """Change how many steps run at a time."""
        cluster = self.service.find(given["ClusterId"])
        level = given.get("StepConcurrencyLevel")
        policies.check_concurrency(level)
        with cluster.changed:
            cluster.concurrency = level or cluster.concurrency
            cluster.changed.notify_all()
        return {"StepConcurrencyLevel": cluster.concurrency}

    def add_tags(self, given: Shape) -> Shape:
        """Add tags, or change them."""
        tags = {tag["Key"]: tag.get("Value", "") for tag in given["Tags"]}
        self.service.find(given["ResourceId"]).tags.update(tags)
        return {}

    def remove_tags(self, given: Shape) -> Shape:
        """Remove tags."""
        for key in given["TagKeys"]:
            self.service.find(given["ResourceId"]).tags.pop(key, None)
        return {}

    def put_auto_termination_policy(self, given: Shape) -> Shape:
        """End the cluster when it was idle for so long."""
        policy = given.get("AutoTerminationPolicy") or {}
        policies.check_idle(policy)
        self._idle(given["ClusterId"], policy)
        return {}

    def get_auto_termination_policy(self, given: Shape) -> Shape:
        """Tell when an idle cluster ends."""
        policy = self.service.find(given["ClusterId"]).idle_policy
        return {"AutoTerminationPolicy": policy} if policy else {}

    def remove_auto_termination_policy(self, given: Shape) -> Shape:
        """Let an idle cluster wait."""
        self._idle(given["ClusterId"], None)
        return {}

    def put_managed_scaling_policy(self, given: Shape) -> Shape:
        """Keep a policy."""
        policies.check_scaling(given["ManagedScalingPolicy"])
        self._open(given["ClusterId"]).scaling = given["ManagedScalingPolicy"]
        return {}

    def get_managed_scaling_policy(self, given: Shape) -> Shape:
        """Tell the policy that is kept."""
        policy = self.service.find(given["ClusterId"]).scaling
        return {"ManagedScalingPolicy": policy} if policy else {}

    def remove_managed_scaling_policy(self, given: Shape) -> Shape:
        """Forget the policy."""
        self._open(given["ClusterId"]).scaling = None
        return {}

    def _open(self, id_: str) -> Cluster:
        """A cluster that isn't over."""
        cluster = self.service.find(id_)
        if cluster.state in CLOSING:
            raise invalid("", f"Cluster {id_} is {cluster.state}; it can't be modified.")
        return cluster

    def _idle(self, id_: str, policy: Shape | None) -> None:
        cluster = self._open(id_)
        with cluster.changed:
            cluster.idle_policy, cluster.policy_since = policy, self.service.clock.now()
            cluster.changed.notify_all()


def install(service: Service) -> None:
    """Have moto's API answer with what really runs."""
    actions, model = Actions(service), botocore.session.get_session().get_service_model("emr")
    operations = {botocore.xform_name(name): name for name in model.operation_names}
    for name in (name for name in dir(Actions) if name in operations):
        shape = model.operation_model(operations[name]).input_shape
        answering = _answering(name, getattr(actions, name), shape)
        patch(ElasticMapReduceResponse, **{name: answering})
    for name in REFUSED:
        patch(ElasticMapReduceResponse, **{name: _refusing(operations[name])})


def _answering(name: str, action: Callable[[Shape], Shape], shape: Any) -> Callable[[Any], str]:
    validator = ParamValidator()

    def answer(self: Any) -> str:
        given = json.loads(self.body or "{}")
        # Step Functions sends what a state's author wrote.
        if report := validator.validate(given, shape).generate_report():
            raise validation(report)
        return json.dumps(action(given))

    answer.__name__ = name
    return answer


def _refusing(operation: str) -> Callable[[Any], str]:
    def refuse(self: Any) -> str:
        raise NotImplementedError(f"The local cloud's EMR has no {operation}.")

    return refuse
