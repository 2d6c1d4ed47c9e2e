"""AWS::CloudWatch::Alarm."""

from __future__ import annotations

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    retag,
    tag_list,
    taken,
)

READ = "cloudwatch:DescribeAlarms"
WHY = "no metric is watched, so no alarm ever goes off"
#: PutMetricAlarm takes them under the same names.
SETTINGS = (
    "ActionsEnabled",
    "AlarmActions",
    "AlarmDescription",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "Dimensions",
    "EvaluateLowSampleCountPercentile",
    "EvaluationPeriods",
    "ExtendedStatistic",
    "InsufficientDataActions",
    "MetricName",
    "Metrics",
    "Namespace",
    "OKActions",
    "Period",
    "Statistic",
    "Threshold",
    "TreatMissingData",
    "Unit",
)
WHOLE = ("DatapointsToAlarm", "EvaluationPeriods", "Period")


class Alarm(ResourceType):
    """An alarm."""

    type = "AWS::CloudWatch::Alarm"
    named_by = "AlarmName"
    properties = {
        **{name: Property(READ, stored=WHY, ordered=False) for name in SETTINGS},
        "ActionsEnabled": Property(READ, stored=WHY, default=True),
        "AlarmName": Property(READ, replaces=True),
        "Tags": Property("cloudwatch:ListTagsForResource", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Name it; `settle` puts it, as PutMetricAlarm makes and changes alike."""
        name = str(want.get("AlarmName") or here.name(255))
        if here.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]:
            raise taken(self.type, name)
        return name

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Put the alarm."""
        client = here.client("cloudwatch")
        words = {key: want[key] for key in SETTINGS if key in want}
        words |= {key: int(words[key]) for key in WHOLE if key in words}
        if "Threshold" in words:
            words["Threshold"] = float(words["Threshold"])
        client.put_metric_alarm(AlarmName=made, **words)
        arn = here.arn("cloudwatch", f"alarm:{made}")
        retag(
            had,
            want,
            lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
            lambda tags: client.tag_resource(ResourceARN=arn, Tags=tag_list(tags)),
        )

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the alarm."""
        here.client("cloudwatch").delete_alarms(AlarmNames=[made])

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the alarm."""
        client = here.client("cloudwatch")
        found = client.describe_alarms(AlarmNames=[made])["MetricAlarms"]
        if not found:
            return {}
        arn = here.arn("cloudwatch", f"alarm:{made}")
        tags = client.list_tags_for_resource(ResourceARN=arn)["Tags"]
        return {"Tags": tags} | {k: v for k, v in found[0].items() if k in self.properties}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The ARN."""
        return {"Arn": here.arn("cloudwatch", f"alarm:{made}")}
