"""What Batch's engine has of moto's private parts: this breaks where moto changes them."""

from __future__ import annotations

import inspect

import botocore.session
from moto.batch.models import BatchBackend, ComputeEnvironment, JobQueue, batch_backends
from moto.batch.responses import BatchResponse
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.logs.models import logs_backends

from localcloud.engines.batch.api import CHANGES, Actions

ACCOUNT, REGION = "123456789012", "us-east-1"

#: What moto answers still: nothing of it is about a job.
MOTOS = {
    "createschedulingpolicy",
    "deleteschedulingpolicy",
    "describecomputeenvironments",
    "describejobqueues",
    "describeschedulingpolicies",
    "listschedulingpolicies",
    "updateschedulingpolicy",
}


def test_no_call_is_answered_out_of_jobs_of_motos() -> None:
    model = botocore.session.get_session().get_service_model("batch")
    operations = {name.lower() for name in model.operation_names}
    answered = operations.intersection(vars(BatchResponse))
    assert answered - set(dir(Actions)) - set(CHANGES) == MOTOS
    assert answered.issuperset(CHANGES)


def test_environments_and_queues() -> None:
    backend = batch_backends[ACCOUNT][REGION]
    assert isinstance(backend._job_queues, dict)
    for name in ("get_job_queue", "tag_resource", "list_tags_for_resource"):
        assert callable(getattr(BatchBackend, name))
    made = set(inspect.signature(ComputeEnvironment).parameters)
    assert {"state", "compute_resources"} <= made
    assert {"name", "priority", "state", "environments"} <= set(
        inspect.signature(JobQueue).parameters
    )


def test_instance_types() -> None:
    known = INSTANCE_TYPES["m5.large"]
    assert (known["VCpuInfo"]["DefaultVCpus"], known["MemoryInfo"]["SizeInMiB"]) == (2, 8192)


def test_log_groups() -> None:
    assert isinstance(logs_backends[ACCOUNT][REGION].groups, dict)
