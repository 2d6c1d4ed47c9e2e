"""Alarms: the flow is late, fails, or has given something up; a run has failed."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


@dataclass(frozen=True)
class AlarmsProps:
    """What is watched.

    Parameters
    ----------
    land, commit : IFunction
        The two functions.
    dead_letters : IQueue
        Where messages end that commit failed on.
    late_s : int
        Age of the oldest unread record that is late: many batches' worth, and long before the
        stream's least retention of a day.
    """

    land: lambda_.IFunction
    commit: lambda_.IFunction
    dead_letters: sqs.IQueue
    late_s: int = 900


class Alarms(Construct):
    """The alarms of the flow.

    They tell nobody by themselves; subscribe in the console or by EventBridge.

    Examples
    --------
    >>> Alarms(stack, "Alarms", AlarmsProps(land, commit, dead_letters))
    """

    def __init__(self, scope: Construct, id_: str, props: AlarmsProps) -> None:
        super().__init__(scope, id_)
        five = Duration.minutes(5)
        age = props.land.metric("IteratorAge", statistic="Maximum", period=five)
        _alarm(self, "LandLate", age, 1000 * props.late_s, "Records wait too long to land.")
        errors = props.land.metric_errors(period=five)
        _alarm(self, "LandErrors", errors, 1, "Land fails; see its log.")
        errors = props.commit.metric_errors(period=five)
        _alarm(self, "CommitErrors", errors, 1, "Commit fails; see its log.")
        dead = props.dead_letters.metric_approximate_number_of_messages_visible(
            statistic="Maximum", period=five
        )
        _alarm(
            self, "CommitDead", dead, 1, "Staged rows were given up; redrive the dead-letter queue."
        )


class RunAlarms(Construct):
    """The alarm of the run.

    Examples
    --------
    >>> RunAlarms(stack, "Alarms", machine)
    """

    def __init__(self, scope: Construct, id_: str, machine: sfn.IStateMachine) -> None:
        super().__init__(scope, id_)
        failed = machine.metric_failed(statistic="Sum", period=Duration.minutes(5))
        _alarm(self, "RunFailed", failed, 1, "A run failed; `headrace why RUN` says why.")


def _alarm(
    scope: Construct, id_: str, metric: cloudwatch.IMetric, threshold: float, description: str
) -> None:
    cloudwatch.Alarm(
        scope,
        id_,
        metric=metric,
        threshold=threshold,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        alarm_description=description,
        # Nothing pushed or run means no numbers, and nothing wrong.
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
