"""The run's state machine: its document, its role, and what is accepted of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.nag import acknowledge, nag_name


@dataclass(frozen=True)
class StateMachineProps:
    """What the machine is and may do.

    Parameters
    ----------
    name : str
        Physical name.
    definition : mapping
        The document in Amazon States Language.
    rights : sequence of PolicyStatement
        All that it may do.
    wildcards : mapping
        Why its rights name a resource with ``*``, by that resource.
    """

    name: str
    definition: Mapping[str, Any]
    rights: Sequence[iam.PolicyStatement]
    wildcards: Mapping[str, str]


class StateMachine(Construct):
    """A standard machine, since a run may take days and its history must be kept.

    Examples
    --------
    >>> StateMachine(stack, "Run", StateMachineProps(plan.machine, machine(plan, names), ...))
    """

    def __init__(self, scope: Construct, id_: str, props: StateMachineProps) -> None:
        super().__init__(scope, id_)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            description=f"What {props.name} may do",
        )
        policy = iam.Policy(self, "Rights", statements=list(props.rights), roles=[self.role])
        for resource, reason in props.wildcards.items():
            acknowledge(policy, f"AwsSolutions-IAM5[Resource::{nag_name(resource)}]", reason)
        # The plain resource: the one of a higher level grants its own, wider, rights.
        self.machine = sfn.CfnStateMachine(
            self,
            "Machine",
            state_machine_name=props.name,
            state_machine_type="STANDARD",
            role_arn=self.role.role_arn,
            # Not the CDK's own JSON, which leaves null out. What only CloudFormation knows is
            # the bucket's and the partition's name, and neither needs escaping.
            definition_string=json.dumps(props.definition),
        )
        # What ran of it is in the lake's table of runs.
        self.machine.apply_removal_policy(RemovalPolicy.DESTROY)
        # It is checked at creation that the role may do what the document asks.
        self.machine.node.add_dependency(policy)
        self._accept()

    def _accept(self) -> None:
        acknowledge(
            self.machine,
            "AwsSolutions-SF1",
            "A standard machine keeps the history of every execution for 90 days at no cost, with "
            "what each state got and gave; a copy of it in a log is paid for and needs rights on "
            "`*` to deliver. What lasts is in the lake: a row in `runs` for each stage and try.",
        )
        acknowledge(
            self.machine,
            "AwsSolutions-SF2",
            "Each state's times are in the history, and each stage's in the table `runs`. X-Ray "
            "would add rights on `*` and sample what is counted in full there.",
        )
