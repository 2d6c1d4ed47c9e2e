"""EMR's calls that describe and list."""

from __future__ import annotations

from typing import Any

from localcloud.engines.emr.clusters import Cluster
from localcloud.engines.emr.errors import invalid
from localcloud.engines.emr.instances import STATES
from localcloud.engines.emr.service import Service

Shape = dict[str, Any]

PAGE = 50  # https://docs.aws.amazon.com/emr/latest/APIReference/API_ListSteps.html


class Telling:
    """What each of these calls answers.

    Parameters
    ----------
    service : Service
    """

    def __init__(self, service: Service) -> None:
        self.service = service

    def describe_cluster(self, given: Shape) -> Shape:
        """Tell all of a cluster."""
        cluster = self.service.find(given["ClusterId"])
        with cluster.changed:
            return {"Cluster": cluster.describe()}

    def list_clusters(self, given: Shape) -> Shape:
        """Tell of clusters, the latest first."""
        states, low = given.get("ClusterStates"), given.get("CreatedAfter") or 0
        high = given.get("CreatedBefore") or float("inf")
        found = [
            each.summary()
            for each in reversed(list(self.service.clusters.values()))
            if (not states or each.state in states) and low <= each.created <= high
        ]
        return _page("Clusters", found, given)

    def describe_step(self, given: Shape) -> Shape:
        """Tell all of a step."""
        cluster = self.service.find(given["ClusterId"])
        with cluster.changed:
            return {"Step": self.service.step(cluster, given["StepId"]).describe()}

    def list_steps(self, given: Shape) -> Shape:
        """Tell of steps, the latest first."""
        cluster = self.service.find(given["ClusterId"])
        ids, states = given.get("StepIds"), given.get("StepStates")
        with cluster.changed:
            found = [
                step.describe()
                for step in reversed(cluster.steps)
                if (not ids or step.id in ids) and (not states or step.state in states)
            ]
        return _page("Steps", found, given)

    def list_bootstrap_actions(self, given: Shape) -> Shape:
        """Tell of bootstrap actions."""
        actions = self.service.find(given["ClusterId"]).given.get("BootstrapActions") or []
        found = [
            {
                "Name": each["Name"],
                "ScriptPath": each["ScriptBootstrapAction"]["Path"],
                "Args": each["ScriptBootstrapAction"].get("Args") or [],
            }
            for each in actions
        ]
        return _page("BootstrapActions", found, given)

    def list_instance_groups(self, given: Shape) -> Shape:
        """Tell of instance groups."""
        cluster = self.service.find(given["ClusterId"])
        if cluster.hardware.fleets:
            raise invalid("", "Instance fleets and instance groups are mutually exclusive.")
        times = _times(cluster)
        found = [each.describe(cluster.state, times) for each in cluster.hardware.groups]
        return _page("InstanceGroups", found, given)

    def list_instance_fleets(self, given: Shape) -> Shape:
        """Tell of instance fleets."""
        cluster = self.service.find(given["ClusterId"])
        if cluster.hardware.groups:
            raise invalid("", "Instance fleets and instance groups are mutually exclusive.")
        times = _times(cluster)
        found = [each.describe(cluster.state, times) for each in cluster.hardware.fleets]
        return _page("InstanceFleets", found, given)

    def list_instances(self, given: Shape) -> Shape:
        """Tell of instances."""
        cluster = self.service.find(given["ClusterId"])
        state, times = STATES[cluster.state][2], _times(cluster)
        wanted: dict[str, Any] = {
            "InstanceGroupId": given.get("InstanceGroupId"),
            "InstanceFleetId": given.get("InstanceFleetId"),
            "_role": given.get("InstanceFleetType"),
        }
        roles, states = given.get("InstanceGroupTypes"), given.get("InstanceStates")
        found = [
            {key: value for key, value in each.items() if key != "_role"}
            | {"Status": {"State": state, "StateChangeReason": {}, "Timeline": times}}
            for each in cluster.hardware.instances
            if all(value is None or each.get(key) == value for key, value in wanted.items())
            and (not roles or each["_role"] in roles)
            and (not states or state in states)
        ]
        return _page("Instances", found, given)


def _times(cluster: Cluster) -> Shape:
    return dict(cluster.status()["Timeline"])


def _page(name: str, found: list[Shape], given: Shape) -> Shape:
    start = given.get("Marker") or "0"
    if not start.isdigit():
        raise invalid("", f"Marker '{start}' is not valid.")
    first = int(start)
    told: Shape = {name: found[first : first + PAGE]}
    return told | ({"Marker": str(first + PAGE)} if len(found) > first + PAGE else {})
