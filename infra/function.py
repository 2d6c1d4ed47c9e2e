"""A deployed function: its code, the layer of its packages, its role and its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from headrace.target import Target
from infra.bundle import Assets
from infra.nag import acknowledge, nag_name
from infra.zips import Asset


@dataclass(frozen=True)
class FunctionProps:
    """What a function is and may do.

    Parameters
    ----------
    folder : str
        Its folder under ``lambdas/``.
    name : str
        Physical name, also that of its layer.
    description : str
        Shown in the console.
    memory_mib, timeout_s : int
        Lambda's own settings.
    environment : mapping
        What the handler reads; beyond it a function knows nothing of the deployment.
    rights : sequence of PolicyStatement
        All that it may do beside writing its log.
    wildcards : mapping
        Why its rights name a resource with ``*``, by that resource.
    zips : str
        Name of its zips where that isn't its folder's: each Map stage has its own.
    log_days : RetentionDays
        A month: longer than a queue or a stream keeps what a line speaks of.
    """

    folder: str
    name: str
    description: str
    memory_mib: int
    timeout_s: int
    rights: Sequence[iam.PolicyStatement]
    wildcards: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    zips: str = ""
    log_days: logs.RetentionDays = logs.RetentionDays.ONE_MONTH


class Function(Construct):
    """A function with a role of its own, for the target's Python and architecture.

    Examples
    --------
    >>> Function(stack, "Land", FunctionProps("land", plan.function("land"), ...), assets, target)
    """

    def __init__(
        self, scope: Construct, id_: str, props: FunctionProps, assets: Assets, target: Target
    ) -> None:
        super().__init__(scope, id_)
        self.log = logs.LogGroup(
            self,
            "Log",
            # Lambda's own name for it, where people and tools look.
            log_group_name=f"/aws/lambda/{props.name}",
            retention=props.log_days,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {props.name} may do",
        )
        rights = self._rights(props)
        runtime = lambda_.Runtime(target.runtime, lambda_.RuntimeFamily.PYTHON)
        architecture = _ARCHITECTURES[target.architecture]
        zips = props.zips or props.folder
        layers = [
            lambda_.LayerVersion(
                self,
                "Layer",
                layer_version_name=props.name,
                description=f"Packages of {props.name}",
                code=_code(packages),
                compatible_runtimes=[runtime],
                compatible_architectures=[architecture],
            )
            for packages in (assets.layer(zips),)
            if packages
        ]
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=props.name,
            description=props.description,
            runtime=runtime,
            architecture=architecture,
            handler=f"lambdas.{props.folder}.handler.handle",
            code=_code(assets.code(zips)),
            layers=layers,
            memory_size=props.memory_mib,
            timeout=Duration.seconds(props.timeout_s),
            environment=dict(props.environment),
            # What it may do stands in its role; no construct adds to that.
            role=self.role.without_policy_updates(),
            log_group=self.log,
        )
        # Or a first call could come before the rights to answer it.
        self.function.node.add_dependency(rights)
        acknowledge(
            self.function,
            "AwsSolutions-L1",
            f"{target.runtime} is chosen by headrace/target.py: on AWS a runtime that Lambda "
            "supports until 2029 and for which every locked package has a wheel; on a laptop "
            "the Python that runs there.",
        )

    def _rights(self, props: FunctionProps) -> iam.Policy:
        write_log = iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[self.log.log_group_arn],
        )
        policy = iam.Policy(
            self, "Rights", statements=[*props.rights, write_log], roles=[self.role]
        )
        for resource, reason in props.wildcards.items():
            acknowledge(policy, f"AwsSolutions-IAM5[Resource::{nag_name(resource)}]", reason)
        return policy


_ARCHITECTURES = {
    "x86_64": lambda_.Architecture.X86_64,
    "arm64": lambda_.Architecture.ARM_64,
}


def _code(asset: Asset) -> lambda_.AssetCode:
    return lambda_.Code.from_asset(str(asset.path), asset_hash=asset.digest)
