"""moto's Athena lacks UpdateWorkGroup and DeleteNamedQuery."""

from __future__ import annotations

from typing import Any

from localcloud.cloud import Cloud
from localcloud.control.patches import put

REMOVE = "Remove"


def install(cloud: Cloud) -> None:
    """Build both."""
    from moto.athena.responses import AthenaResponse

    def update_work_group(self: Any) -> Any:
        group = self.athena_backend.work_groups.get(self._get_param("WorkGroup"))
        if group is None:
            return self.error("WorkGroup is not found.", 400)
        updates = self._get_param("ConfigurationUpdates") or {}
        group.configuration = updated(group.configuration, updates)
        given = self._get_param("Description")
        group.description = group.description if given is None else given
        group.state = self._get_param("State") or group.state
        return "{}"

    def delete_named_query(self: Any) -> str:
        self.athena_backend.named_queries.pop(self._get_param("NamedQueryId"), None)
        return "{}"

    put(AthenaResponse, "update_work_group", update_work_group)
    put(AthenaResponse, "delete_named_query", delete_named_query)


def updated(configuration: dict[str, Any], updates: dict[str, Any]) -> dict[str, Any]:
    """Apply ConfigurationUpdates: ``RemoveX`` takes X away, the rest is set.

    https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroupConfigurationUpdates.html
    """
    found = dict(configuration)
    for name, value in updates.items():
        if name == "ResultConfigurationUpdates":
            results = updated(found.get("ResultConfiguration", {}), value)
            found["ResultConfiguration"] = results
        elif name.startswith(REMOVE):
            if value:
                found.pop(name.removeprefix(REMOVE), None)
        else:
            found[name] = value
    return found
