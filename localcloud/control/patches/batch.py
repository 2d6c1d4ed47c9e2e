"""moto's Batch wants a service role, starts hosts at once, and forgets what an update says.

It doesn't know AWS's own choice of instance types, nor that environments and queues are deleted
only when they are disabled and nothing uses them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from localcloud.control.patches import put

#: Batch's own choices: https://docs.aws.amazon.com/batch/latest/userguide/instance-type-compute-table.html
CHOICES = ("optimal", "default_x86_64", "default_arm64")
#: What Fargate's environments have none of:
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html
HOSTS_ONLY = (
    "allocationStrategy", "bidPercentage", "desiredvCpus", "ec2Configuration", "instanceRole",
    "instanceTypes", "minvCpus", "spotIamFleetRole", "tags",
)  # fmt: skip

SERVICE = "batch.amazonaws.com"
LINKED = "AWSServiceRoleForBatch"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": [SERVICE]}, "Action": ["sts:AssumeRole"]}
    ],
}


def install() -> None:
    """Patch moto's Batch. It is loaded late, so this is called where it is loaded."""
    from moto.batch.models import BatchBackend

    if getattr(BatchBackend, "patched_here", False):
        return
    put(BatchBackend, "patched_here", True)
    put(BatchBackend, "find_min_instances_to_meet_vcpus", staticmethod(lambda *_: []))
    put(BatchBackend, "_validate_compute_resources", _checked(BatchBackend))
    put(BatchBackend, "create_compute_environment", _created(BatchBackend))
    put(BatchBackend, "update_compute_environment", _updated(BatchBackend))
    put(BatchBackend, "delete_compute_environment", _deleted_environment(BatchBackend))
    put(BatchBackend, "create_job_queue", _queue_created(BatchBackend))
    put(BatchBackend, "delete_job_queue", _deleted_queue(BatchBackend))


def _checked(owner: Any) -> Callable[..., None]:
    validate = owner._validate_compute_resources

    def validate_resources(self: Any, cr: dict[str, Any]) -> None:
        if "FARGATE" in cr["type"]:
            for name in HOSTS_ONLY:
                if name in cr:
                    raise _fault(f"{name} is not applicable to Fargate.")
            validate(self, cr)
            return
        named = [kind for kind in cr.get("instanceTypes") or [] if kind not in CHOICES]
        known = {**cr, "instanceTypes": named or ["optimal"]} if cr.get("instanceTypes") else cr
        validate(self, {"instanceTypes": [], **known})

    return validate_resources


def _created(owner: Any) -> Callable[..., Any]:
    create = owner.create_compute_environment

    def create_environment(
        self: Any,
        compute_environment_name: str,
        _type: str,
        state: str | None,
        compute_resources: dict[str, Any],
        service_role: str | None,
        tags: dict[str, str] | None = None,
    ) -> Any:
        role = service_role or _linked_role(self.iam_backend)
        return create(
            self, compute_environment_name, _type, state or "ENABLED", compute_resources, role, tags
        )

    return create_environment


def _linked_role(iam: Any) -> str:
    """The role of an environment that names none; Batch makes it, and nobody deletes it.

    https://docs.aws.amazon.com/batch/latest/userguide/using-service-linked-roles.html
    """
    from moto.iam.exceptions import NotFoundException

    try:
        role = iam.get_role(LINKED)
    except NotFoundException:
        role = iam.create_role(
            LINKED,
            json.dumps(TRUST),
            f"/aws-service-role/{SERVICE}/",
            permissions_boundary=None,
            description="",
            tags=[],
            max_session_duration="3600",
            linked_service=SERVICE,
        )
    return str(role.arn)


def _updated(owner: Any) -> Callable[..., Any]:
    update = owner.update_compute_environment

    def update_environment(
        self: Any,
        compute_environment_name: str,
        state: str | None,
        compute_resources: dict[str, Any] | None,
        service_role: str | None,
    ) -> Any:
        environment = self.get_compute_environment(compute_environment_name)
        if environment is None:
            raise _fault(f"Compute environment {compute_environment_name} does not exist.")
        if compute_resources is not None:
            told = {k: v for k, v in compute_resources.items() if k != "updateToLatestImageVersion"}
            merged = {**environment.compute_resources, **told}
            self._validate_compute_resources(merged)
            environment.compute_resources = merged
        return update(self, compute_environment_name, state, None, service_role)

    return update_environment


def _deleted_environment(owner: Any) -> Callable[..., None]:
    delete = owner.delete_compute_environment

    def delete_environment(self: Any, compute_environment_name: str) -> None:
        environment = self.get_compute_environment(compute_environment_name)
        if environment is not None:
            if environment.state == "ENABLED":
                raise _fault("Cannot delete, compute environment must be disabled first.")
            if any(environment in queue.environments for queue in self._job_queues.values()):
                raise _fault("Cannot delete, found existing JobQueue relationship.")
            self.tagger.delete_all_tags_for_resource(environment.arn)
        delete(self, compute_environment_name)

    return delete_environment


def _queue_created(owner: Any) -> Callable[..., Any]:
    create = owner.create_job_queue

    def create_queue(self: Any, *words: Any, **named: Any) -> Any:
        if "state" in named:
            named["state"] = named["state"] or "ENABLED"
        return create(self, *words, **named)

    return create_queue


def _deleted_queue(owner: Any) -> Callable[..., None]:
    delete = owner.delete_job_queue

    def delete_queue(self: Any, queue_name: str) -> None:
        queue = self.get_job_queue(queue_name)
        if queue is not None:
            if queue.state == "ENABLED":
                raise _fault("Cannot delete JobQueue in ENABLED state; disable it first.")
            self.tagger.delete_all_tags_for_resource(queue.arn)
        delete(self, queue_name)

    return delete_queue


def _fault(message: str) -> Exception:
    from moto.batch.exceptions import ClientException

    fault: Exception = ClientException(message)
    return fault
