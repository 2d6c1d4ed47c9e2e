"""What a notebook's functions are on AWS: a role; lithops makes the functions themselves."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from constructs import Construct

from headrace.plan import Plan
from infra.nag import acknowledge, nag_name


@dataclass(frozen=True)
class NotebookProps:
    """Whose notebooks.

    Parameters
    ----------
    plan : Plan
        The study's.
    bucket : str
        Name of the lake's bucket.
    """

    plan: Plan
    bucket: str


class Notebook(Construct):
    """The role of the functions that `headrace.executor` has lithops make.

    They read and write lithops' own prefix and write their log; who opens the executor needs
    rights of their own to make Lambda functions and layers and to pass this role.

    Examples
    --------
    >>> Notebook(stack, "Notebook", NotebookProps(plan, bucket_name))
    """

    def __init__(self, scope: Construct, id_: str, props: NotebookProps) -> None:
        super().__init__(scope, id_)
        self.role = iam.Role(
            self,
            "Role",
            role_name=props.plan.notebook_role(Aws.REGION),
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What a notebook's functions may do in study {props.plan.study.name}",
        )
        bucket = f"arn:{Aws.PARTITION}:s3:::{props.bucket}"
        # lithops names its functions itself, so their logs; and its layer builder writes one
        # zip to the bucket's root:
        # https://github.com/lithops-cloud/lithops/blob/master/lithops/serverless/backends/aws_lambda/build_layer.py
        logs = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:/aws/lambda/"
        objects, layer = f"{bucket}/lithops/*", f"{bucket}/lithops_v*_layer"
        workers, builder = f"{logs}lithops-worker-*", f"{logs}lithops_v*_layer_builder_512MB*"
        policy = iam.Policy(
            self,
            "Rights",
            roles=[self.role],
            statements=[
                _allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], objects),
                _allow(["s3:PutObject"], layer),
                # Without it S3 answers 403, not 404, for a result that isn't there yet.
                _allow(["s3:ListBucket"], bucket),
                _allow(
                    ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                    workers,
                    builder,
                ),
            ],
        )
        for resource, reason in (
            (objects, "lithops names its objects by random ids of sessions."),
            (layer, "lithops names its layer's zip by its version, the user and the Python."),
            (workers, "lithops names its functions by a hash, and makes them after the role."),
            (builder, "lithops names its layer builder by its version and the user."),
        ):
            acknowledge(policy, f"AwsSolutions-IAM5[Resource::{nag_name(resource)}]", reason)


def _allow(actions: list[str], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=list(resources))
