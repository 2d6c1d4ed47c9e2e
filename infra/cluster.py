"""What a run makes its cluster of: roles, programs and a network."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from headrace.plan import Plan
from headrace.target import Target
from infra import cluster_rights, rapids
from infra.bundle import Assets
from infra.cluster_network import ClusterNetwork
from infra.machine_task import ClusterNames, ProgramNames
from infra.nag import acknowledge, nag_name
from infra.programs import Program
from infra.run_rights import RunRights
from infra.zips import Asset

_SERVICE = "elasticmapreduce"


@dataclass(frozen=True)
class ClusterProps:
    """Whose clusters.

    Parameters
    ----------
    plan : Plan
        The study's.
    rights : RunRights
        What its stages read.
    """

    plan: Plan
    rights: RunRights


class Cluster(Construct):
    """EMR's role, the nodes' role with its profile, the programs, and the network.

    Examples
    --------
    >>> Cluster(stack, "Cluster", ClusterProps(plan, rights), assets, target).names
    """

    def __init__(
        self, scope: Construct, id_: str, props: ClusterProps, assets: Assets, target: Target
    ) -> None:
        super().__init__(scope, id_)
        self._plan, self._objects = props.plan, list[s3_assets.Asset]()
        #: Where each stage's program lies.
        self.programs = {
            stage.name: self._program(stage.name, assets.program(stage), target)
            for stage in props.plan.emr
        }
        bootstrap = self._bootstrap()
        #: Where its nodes are, and jobs of the same study.
        self.network = ClusterNetwork(self, "Network")
        self._nodes = self._nodes_role(props.rights)
        self._service = self._service_role()
        profile = iam.CfnInstanceProfile(self, "Profile", roles=[self._nodes.role_name])
        #: What the state machine names.
        self.names = ClusterNames(
            service_role=self._service.role_name,
            profile=profile.ref,
            subnet=self.network.subnets[0],
            primary=self.network.primary.attr_group_id,
            workers=self.network.workers.attr_group_id,
            bootstrap=bootstrap,
        )

    def rights(self) -> list[iam.PolicyStatement]:
        """What the state machine may do with clusters."""
        return [
            *cluster_rights.clusters(self._plan),
            cluster_rights.hand_over(self._service.role_arn, _SERVICE),
            cluster_rights.hand_over(self._nodes.role_arn, "ec2"),
        ]

    def wildcards(self) -> dict[str, str]:
        """Why the state machine's rights name a resource with ``*``."""
        return {
            "*": "A cluster that is not there yet has no name; the request must have the study's "
            "tag.",
            cluster_rights.CLUSTERS: "EMR names clusters; each must have the study's tag.",
        }

    def _program(self, stage: str, program: Program, target: Target) -> ProgramNames:
        file = self._asset(f"{stage}-file", program.file)
        archive = self._asset(f"{stage}-archive", program.archive)
        jars = (self._asset(f"{stage}-jar{n}", jar) for n, jar in enumerate(program.jars))
        return ProgramNames(file, archive, tuple(jars), target.node_python, program.libraries)

    def _bootstrap(self) -> str:
        if not self._plan.gpu:
            return ""
        made = s3_assets.Asset(self, "bootstrap", path=str(rapids.BOOTSTRAP))
        self._objects.append(made)
        return made.s3_object_url

    def _asset(self, id_: str, asset: Asset) -> str:
        made = s3_assets.Asset(self, id_, path=str(asset.path), asset_hash=asset.digest)
        self._objects.append(made)
        return made.s3_object_url

    def _service_role(self) -> iam.Role:
        clusters = f"arn:{Aws.PARTITION}:{_SERVICE}:{Aws.REGION}:{Aws.ACCOUNT_ID}:*"
        role = iam.Role(
            self,
            "Service",
            # Of this account's clusters alone:
            # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-iam-role.html
            assumed_by=iam.ServicePrincipal(
                f"{_SERVICE}.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnLike": {"aws:SourceArn": clusters},
                },
            ),
            description=f"What EMR may do for {self._plan.prefix}",
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(
                    "service-role/AmazonEMRServicePolicy_v2"
                )
            ],
        )
        acknowledge(
            role,
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/"
            "service-role/AmazonEMRServicePolicy_v2]",
            "AWS's own policy for EMR changes as EMR does. It reaches only what has the tag "
            "for-use-with-amazon-emr-managed-policies: the network below, and EMR's instances.",
        )
        statements = [cluster_rights.hand_over(self._nodes.role_arn, "ec2"), cluster_rights.spot()]
        iam.Policy(self, "ServiceRights", statements=statements, roles=[role])
        return role

    def _nodes_role(self, rights: RunRights) -> iam.Role:
        role = iam.Role(
            self,
            "Nodes",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            description=f"What the nodes of {self._plan.cluster_name} may do",
        )
        places = rights.clustered()
        programs = [
            f"arn:{Aws.PARTITION}:s3:::{made.s3_bucket_name}/{made.s3_object_key}"
            for made in self._objects
        ]
        policy = iam.Policy(
            self,
            "NodesRights",
            statements=cluster_rights.nodes(rights.bucket, programs, places),
            roles=[role],
        )
        for resource, reason in cluster_rights.wildcards(rights.bucket, places).items():
            acknowledge(policy, f"AwsSolutions-IAM5[Resource::{nag_name(resource)}]", reason)
        return role
