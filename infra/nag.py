"""What cdk-nag is told: which findings are accepted, on which resource, and why."""

from __future__ import annotations

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct


def check(app: cdk.App) -> None:
    """Have the synth fail on every AwsSolutions finding that isn't acknowledged."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def acknowledge(resource: IConstruct, rule: str, reason: str) -> None:
    """Accept a finding on one resource.

    Parameters
    ----------
    resource : IConstruct
        The resource itself, never a path.
    rule : str
        As `AwsSolutions-S1`.
    reason : str
        The evidence that the finding does no harm here.
    """
    cdk.Validations.of(resource).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))


def nag_name(arn: str) -> str:
    """An ARN as cdk-nag writes it: what only CloudFormation knows in angle brackets."""
    for token, name in (
        (cdk.Aws.PARTITION, "<AWS::Partition>"),
        (cdk.Aws.ACCOUNT_ID, "<AWS::AccountId>"),
        (cdk.Aws.REGION, "<AWS::Region>"),
    ):
        arn = arn.replace(token, name)
    return arn
