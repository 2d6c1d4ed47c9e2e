"""AWS::Batch::ComputeEnvironment and AWS::Batch::JobQueue."""

from __future__ import annotations

from typing import Any

from localcloud.control.errors import Refused
from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    changed,
    lower_first,
    pick,
    retag,
    tag_map,
)
from localcloud.control.types.shaped import shaped, upper_first

HOSTS = "the hosts of the local cloud are this machine"
#: What an environment's resources may say; launch templates and own images are for real hosts.
RESOURCES = (
    "AllocationStrategy", "BidPercentage", "DesiredvCpus", "Ec2Configuration", "InstanceRole",
    "InstanceTypes", "MaxvCpus", "MinvCpus", "SecurityGroupIds", "SpotIamFleetRole", "Subnets",
    "Tags", "Type", "UpdateToLatestImageVersion",
)  # fmt: skip
#: Those with which an environment of ECS can be made since 30 June 2026:
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_Ec2Configuration.html
IMAGES = ("ECS_AL2023", "ECS_AL2023_NVIDIA")
#: A change of these is made in place where ReplaceComputeEnvironment is false, else by a new
#: environment: conditionalCreateOnlyProperties of the type's schema, and
#: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-batch-computeenvironment.html
CONDITIONAL = (
    "AllocationStrategy", "BidPercentage", "Ec2Configuration", "InstanceRole", "InstanceTypes",
    "SecurityGroupIds", "Subnets", "Tags", "Type",
)  # fmt: skip


class ComputeEnvironment(ResourceType):
    """Hosts that Batch makes for jobs."""

    type = "AWS::Batch::ComputeEnvironment"
    named_by = "ComputeEnvironmentName"
    tags_are_a_map = True
    properties = {
        "ComputeEnvironmentName": Property("batch:DescribeComputeEnvironments", replaces=True),
        "ComputeResources": Property(
            "batch:DescribeComputeEnvironments", ordered=False, stored=HOSTS
        ),
        # CloudFormation's alone: it says how it goes about an update.
        "ReplaceComputeEnvironment": Property("cloudformation:GetTemplate"),
        "ServiceRole": Property("batch:DescribeComputeEnvironments"),
        "State": Property("batch:DescribeComputeEnvironments", default="ENABLED"),
        "Tags": Property("batch:ListTagsForResource", replaces=True, ordered=False),
        "Type": Property("batch:DescribeComputeEnvironments", replaces=True),
    }

    def check(self, here: Here, want: Properties) -> None:
        """Refuse hosts that this machine can't be."""
        super().check(here, want)
        for name in want.get("ComputeResources") or {}:
            if name not in RESOURCES:
                raise Refused.of(f"{self.type} ComputeResources.{name}")
        for image in (want.get("ComputeResources") or {}).get("Ec2Configuration") or []:
            _check_image(image)
        if str(want.get("Type")).upper() == "UNMANAGED":
            raise Refused.of(f"{self.type} Type UNMANAGED")

    def replaced_by(self, had: Properties, want: Properties) -> list[str]:
        """Changes that need another environment."""
        found = super().replaced_by(had, want)
        if _upper(had.get("Type")) == _upper(want.get("Type")):
            found = [name for name in found if name != "Type"]
        before, after = had.get("ComputeResources", {}), want.get("ComputeResources", {})
        replaces = str(want.get("ReplaceComputeEnvironment", "true")).lower() == "true"
        names = ("SpotIamFleetRole", *(CONDITIONAL if replaces else ()))
        return [*found, "ComputeResources"] if changed(before, after, *names) else found

    def create(self, here: Here, want: Properties) -> str:
        """Make the environment; one of the same name is an error."""
        client = here.client("batch")
        words = {
            "computeEnvironmentName": want.get("ComputeEnvironmentName") or here.name(128),
            "type": _upper(want["Type"]),
            "state": _upper(want.get("State", "ENABLED")),
            "computeResources": _resources(want),
            "tags": tag_map(want.get("Tags")),
            **lower_first(pick(want, "ServiceRole")),
        }
        words = shaped(client, "CreateComputeEnvironment", words)
        return str(client.create_compute_environment(**words)["computeEnvironmentArn"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Change what may be changed in place."""
        if not had:
            return
        client = here.client("batch")
        # Type and SpotIamFleetRole aren't among what an update takes; they replace.
        resources = _resources(want)
        resources.pop("spotIamFleetRole", None)
        words = {
            "computeEnvironment": made,
            "state": _upper(want.get("State", "ENABLED")),
            "computeResources": resources,
            **lower_first(pick(want, "ServiceRole")),
        }
        client.update_compute_environment(**shaped(client, "UpdateComputeEnvironment", words))

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Disable the environment, then delete it."""
        client = here.client("batch")
        if _described(client, made):
            client.update_compute_environment(computeEnvironment=made, state="DISABLED")
            client.delete_compute_environment(computeEnvironment=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the environment."""
        got = _described(here.client("batch"), made)
        found = upper_first(got, keep=("tags",))
        resources = found["ComputeResources"]
        # Told to an update alone, and told by nothing.
        resources |= pick(want.get("ComputeResources", {}), "UpdateToLatestImageVersion")
        for each, told in ((found, want), (resources, want.get("ComputeResources", {}))):
            for name in ("Type", "State"):  # the cdk writes "managed"
                if name in told and _upper(told[name]) == each.get(name):
                    each[name] = told[name]
        return pick(found, *self.properties) | pick(want, "ReplaceComputeEnvironment")

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The ARN, which is also what `Ref` gives."""
        return {"ComputeEnvironmentArn": made}


class JobQueue(ResourceType):
    """Where jobs wait for an environment."""

    type = "AWS::Batch::JobQueue"
    named_by = "JobQueueName"
    tags_are_a_map = True
    properties = {
        "ComputeEnvironmentOrder": Property("batch:DescribeJobQueues", ordered=False),
        "JobQueueName": Property("batch:DescribeJobQueues", replaces=True),
        "Priority": Property("batch:DescribeJobQueues"),
        "State": Property("batch:DescribeJobQueues", default="ENABLED"),
        "Tags": Property("batch:ListTagsForResource", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the queue; one of the same name is an error."""
        client = here.client("batch")
        name = want.get("JobQueueName") or here.name(128)
        words = {"jobQueueName": name, "tags": tag_map(want.get("Tags")), **_queue(want)}
        return str(
            client.create_job_queue(**shaped(client, "CreateJobQueue", words))["jobQueueArn"]
        )

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Update the queue."""
        client = here.client("batch")
        if had:
            words = shaped(client, "UpdateJobQueue", {"jobQueue": made, **_queue(want)})
            client.update_job_queue(**words)
            _retag(client, made, had, want)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Disable the queue, then delete it."""
        client = here.client("batch")
        if client.describe_job_queues(jobQueues=[made])["jobQueues"]:
            client.update_job_queue(jobQueue=made, state="DISABLED")
            client.delete_job_queue(jobQueue=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the queue."""
        got = here.client("batch").describe_job_queues(jobQueues=[made])["jobQueues"][0]
        found = pick(upper_first(got, keep=("tags",)), *self.properties)
        if _upper(want.get("State")) == found["State"]:
            found["State"] = want["State"]
        return found

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The ARN, which is also what `Ref` gives."""
        return {"JobQueueArn": made}


def _check_image(image: Properties) -> None:
    where = f"{ComputeEnvironment.type} Ec2Configuration"
    for name in image.keys() - {"ImageType"}:
        raise Refused.of(f"{where}.{name}")
    if image.get("ImageType") not in IMAGES:
        raise Refused.of(f"{where}.ImageType {image.get('ImageType')}")


def _upper(value: Any) -> str:
    return str(value).upper()


def _resources(want: Properties) -> Properties:
    found: Properties = lower_first(want["ComputeResources"], keep=("Tags",))
    found["type"] = _upper(found["type"])
    found.pop("updateToLatestImageVersion", None)  # of an image that hosts here have none of
    return found


def _queue(want: Properties) -> Properties:
    return {
        "state": _upper(want.get("State", "ENABLED")),
        "priority": want["Priority"],
        "computeEnvironmentOrder": lower_first(want["ComputeEnvironmentOrder"]),
    }


def _retag(client: Any, arn: str, had: Properties, want: Properties) -> None:
    retag(
        had,
        want,
        lambda keys: client.untag_resource(resourceArn=arn, tagKeys=keys),
        lambda tags: client.tag_resource(resourceArn=arn, tags=tags),
    )


def _described(client: Any, made: str) -> Properties:
    told = client.describe_compute_environments(computeEnvironments=[made])
    found = told["computeEnvironments"]
    return dict(found[0]) if found else {}
