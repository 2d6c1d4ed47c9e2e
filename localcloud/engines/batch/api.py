"""Batch's API over the jobs here; moto has the protocol, environments, queues and tags."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import botocore.session
from botocore.validate import ParamValidator
from moto.batch.responses import BatchResponse

from localcloud.engines.batch import listing, telling
from localcloud.engines.batch.definitions import Definition
from localcloud.engines.batch.errors import refused, request, unable
from localcloud.engines.batch.jobs import Job
from localcloud.engines.batch.service import Service
from localcloud.engines.patching import Method, patch, wrap

Shape = dict[str, Any]

MOST_DESCRIBED = 100

#: moto's calls that change what jobs wait for, and what each can't be asked for here.
CHANGES: dict[str, tuple[str, ...]] = {
    "createcomputeenvironment": ("unmanagedvCpus", "eksConfiguration"),
    "updatecomputeenvironment": ("unmanagedvCpus", "eksConfiguration"),
    "deletecomputeenvironment": (),
    "createjobqueue": (
        "schedulingPolicyArn",
        "serviceEnvironmentOrder",
        "jobStateTimeLimitActions",
    ),
    "updatejobqueue": (
        "schedulingPolicyArn",
        "serviceEnvironmentOrder",
        "jobStateTimeLimitActions",
    ),
    "deletejobqueue": (),
}


class Actions:
    """What each call answers; a method is named as its call's path is."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def registerjobdefinition(self, given: Shape) -> Shape:
        """Keep a revision of a definition."""
        with self.service.changed:
            made = self.service.definitions.register(given)
        if given.get("tags"):
            self.service.moto.tag_resource(made.arn, given["tags"])
        return {
            "jobDefinitionName": made.name,
            "jobDefinitionArn": made.arn,
            "revision": made.revision,
        }

    def deregisterjobdefinition(self, given: Shape) -> Shape:
        """Make a revision inactive."""
        with self.service.changed:
            self.service.definitions.deregister(given["jobDefinition"])
        return {}

    def describejobdefinitions(self, given: Shape) -> Shape:
        """Tell of definitions."""
        found = self.service.definitions.select(
            given.get("jobDefinitionName"), given.get("jobDefinitions") or [], given.get("status")
        )
        part, token = listing.page([self._definition(each) for each in found], given)
        return {"jobDefinitions": part} | ({"nextToken": token} if token else {})

    def submitjob(self, given: Shape) -> Shape:
        """Take a job."""
        job = self.service.submit(given)
        return {"jobArn": job.arn, "jobName": job.name, "jobId": job.id}

    def describejobs(self, given: Shape) -> Shape:
        """Tell of jobs; those that are unknown are left out."""
        if len(given["jobs"]) > MOST_DESCRIBED:
            raise request(f"Up to {MOST_DESCRIBED} jobs; found {len(given['jobs'])}.")
        found = [self.service.describe(each) for each in given["jobs"]]
        return {"jobs": [each for each in found if each]}

    def listjobs(self, given: Shape) -> Shape:
        """List a queue's jobs, an array's children, or a job's nodes."""
        with self.service.changed:
            part, token = listing.page(self._listed(given), given)
        return {"jobSummaryList": part} | ({"nextToken": token} if token else {})

    def canceljob(self, given: Shape) -> Shape:
        """Cancel a job that hasn't begun."""
        self.service.cancel(given["jobId"], given["reason"])
        return {}

    def terminatejob(self, given: Shape) -> Shape:
        """End a job."""
        self.service.terminate(given["jobId"], given["reason"])
        return {}

    def _definition(self, each: Definition) -> Shape:
        return each.describe() | {"tags": self.service.moto.list_tags_for_resource(each.arn)}

    def _listed(self, given: Shape) -> list[Shape]:
        asked = [given.get(name) for name in ("jobQueue", "arrayJobId", "multiNodeJobId")]
        if sum(each is not None for each in asked) != 1:
            raise request("One of jobQueue, arrayJobId and multiNodeJobId is needed.")
        queue, array, nodes = asked
        if nodes is not None:
            return self._nodes(self._job(nodes), given.get("jobStatus") or "RUNNING")
        jobs = self._queued(queue) if queue is not None else self._job(str(array)).children
        why = self.service.scheduler.why
        found = listing.select(jobs, given.get("jobStatus"), given.get("filters") or [])
        return [telling.summary(job, why(job)) for job in found]

    def _queued(self, which: str) -> list[Job]:
        queue = self.service.moto.get_job_queue(which)
        if queue is None:
            raise refused(f"Job queue {which} does not exist.")
        jobs = self.service.jobs.values()
        return [job for job in jobs if job.queue == queue.arn and job.parent is None]

    def _nodes(self, job: Job, status: str) -> list[Shape]:
        count = len(job.containers) if job.nodes else 0
        told = [telling.node_summary(job, node) for node in range(count)]
        return [each for each in told if each["status"] == status]

    def _job(self, which: str) -> Job:
        job = self.service.find(which)
        if job is None:
            raise refused(f"Job {which} does not exist.")
        return job


def install(service: Service) -> None:
    """Have moto's API answer with what really runs."""
    actions, model = Actions(service), botocore.session.get_session().get_service_model("batch")
    for operation in model.operation_names:
        if action := getattr(actions, operation.lower(), None):
            shape = model.operation_model(operation).input_shape
            answering = _answering(operation.lower(), action, shape)
            patch(BatchResponse, **{operation.lower(): answering})
    for name, refuses in CHANGES.items():
        changing = partial(_changing, name, refuses, service)
        wrap(BatchResponse, **{name: changing})


def _changing(name: str, refuses: tuple[str, ...], service: Service, call: Method) -> Method:
    def answer(self: Any) -> Any:
        given = json.loads(self.body or "{}")
        for field in refuses:
            if given.get(field):
                raise unable(f"{name}.{field}", given[field], "Leave it out.")
        if given.get("type") == "UNMANAGED":
            raise unable(f"{name}.type", "UNMANAGED", "Use MANAGED.")
        answered = call(self)
        service.look()
        return answered

    answer.__name__ = name
    return answer


def _answering(name: str, action: Callable[[Shape], Shape], shape: Any) -> Callable[[Any], str]:
    validator = ParamValidator()

    def answer(self: Any) -> str:
        given = json.loads(self.body or "{}")
        # Step Functions sends what a state's author wrote.
        if report := validator.validate(given, shape).generate_report():
            raise refused(report)
        return json.dumps(action(given))

    answer.__name__ = name
    return answer
