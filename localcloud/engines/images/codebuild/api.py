"""CodeBuild's API, in JSON 1.1, over the builds here; moto's own builds would only say so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from localcloud.cloud import Application
from localcloud.engines.images.codebuild.errors import ApiError, invalid
from localcloud.engines.images.codebuild.service import Service

Shape = dict[str, Any]


class Actions:
    """What each call answers.

    Parameters
    ----------
    service : Service
    """

    def __init__(self, service: Service) -> None:
        self.service = service

    def create_project(self, given: Shape) -> Shape:
        """Keep a project."""
        return {"project": self.service.create(given)}

    def update_project(self, given: Shape) -> Shape:
        """Change a project."""
        return {"project": self.service.update(given)}

    def delete_project(self, given: Shape) -> Shape:
        """Forget a project; one that isn't there is no error, as on AWS."""
        self.service.projects.pop(given["name"], None)
        return {}

    def batch_get_projects(self, given: Shape) -> Shape:
        """Tell of projects."""
        found = {name: self.service.find(name) for name in given["names"]}
        return {
            "projects": [each for each in found.values() if each],
            "projectsNotFound": [name for name, each in found.items() if not each],
        }

    def list_projects(self, given: Shape) -> Shape:
        """Name all projects."""
        return {"projects": sorted(self.service.projects)}

    def start_build(self, given: Shape) -> Shape:
        """Start a build."""
        return {"build": self.service.start(given).told()}

    def stop_build(self, given: Shape) -> Shape:
        """Have a build stop."""
        build = self.service.build(given["id"])
        build.stopped.set()
        return {"build": build.told()}

    def batch_get_builds(self, given: Shape) -> Shape:
        """Tell of builds, by their ids or ARNs."""
        found = {}
        for id_ in given["ids"]:
            found[id_] = self.service.builds.get(id_.removeprefix(self.service.arn("build/")))
        return {
            "builds": [each.told() for each in found.values() if each],
            "buildsNotFound": [id_ for id_, each in found.items() if not each],
        }

    def list_builds(self, given: Shape) -> Shape:
        """Name all builds, the newest first."""
        return {"ids": _ordered(list(self.service.builds), given)}

    def list_builds_for_project(self, given: Shape) -> Shape:
        """Name a project's builds, the newest first."""
        project = self.service.project(given["projectName"])["name"]
        ids = [id_ for id_ in self.service.builds if id_.rpartition(":")[0] == project]
        return {"ids": _ordered(ids, given)}


def _ordered(ids: list[str], given: Shape) -> list[str]:
    return ids if given.get("sortOrder") == "ASCENDING" else ids[::-1]


def application(service: Service) -> Application:
    """Give the WSGI application that answers CodeBuild."""
    actions = Actions(service)
    model = botocore.session.get_session().get_service_model("codebuild")
    operations = {name: botocore.xform_name(name) for name in model.operation_names}

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size)
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        try:
            action = getattr(actions, operations.get(operation, ""), None)
            told = _call(operation, action, body, model)
            status = "200 OK"
        except ApiError as fault:
            status, told = "400 Bad Request", {"__type": fault.code, "message": str(fault)}
        sent = json.dumps(told).encode()
        headers = [("Content-Type", "application/x-amz-json-1.1")]
        start(status, [*headers, ("Content-Length", str(len(sent)))])
        return [sent]

    return answer


def _call(
    operation: str, action: Callable[[Shape], Shape] | None, body: bytes, model: Any
) -> Shape:
    if action is None:
        raise invalid(f"The local cloud's CodeBuild has no {operation or 'such call'}.")
    try:
        given = json.loads(body or b"{}")
    except ValueError as fault:
        raise ApiError("SerializationException", str(fault)) from fault
    shape = model.operation_model(operation).input_shape
    if report := ParamValidator().validate(given, shape).generate_report():
        raise invalid(report)
    return action(given)
