"""All clusters of one account and region."""

from __future__ import annotations

import threading
from typing import Any

from localcloud.cloud import Cloud
from localcloud.engines.emr import checks, step_checks
from localcloud.engines.emr.clusters import CLOSING, OVER, Cluster
from localcloud.engines.emr.errors import invalid, unable, validation
from localcloud.engines.emr.life import Life
from localcloud.engines.emr.steps import Step
from localcloud.engines.emr.surroundings import Surroundings
from localcloud.engines.emr.versions import versions

Shape = dict[str, Any]

#: How long the cloud waits for clusters when it stops.
STOP_S = 10


class Service:
    """Makes clusters, finds them, and has their lives changed.

    Parameters
    ----------
    cloud : Cloud
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.clock = cloud, cloud.clock
        self.clusters: dict[str, Cluster] = {}
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()
        self._here = Surroundings(cloud)
        cloud.clock.on_move(self._wake)

    def stop(self) -> None:
        """End every cluster, with all that it runs."""
        self._closing.set()
        for cluster in list(self.clusters.values()):
            cluster.end("INTERNAL_ERROR", "The local cloud stopped.", failing=True)
        for thread in self._threads:
            thread.join(STOP_S)

    def run(self, given: Shape) -> Cluster:
        """RunJobFlow.

        Raises
        ------
        ValidationException
        """
        checks.check(given, self._here.known())
        cluster = Cluster(
            given,
            f"arn:aws:elasticmapreduce:{self.cloud.region}:{self.cloud.account}:cluster/",
            self.clock.now(),
            versions(),
        )
        cluster.move("STARTING", "Configuring cluster software")
        cluster.idle_policy, cluster.policy_since = given.get("AutoTerminationPolicy"), 0.0
        cluster.scaling = given.get("ManagedScalingPolicy")
        self.add(cluster, given.get("Steps") or [])
        self.clusters[cluster.id] = cluster
        node, s3 = self._here.node(cluster), self.cloud.client("s3")
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads.append(Life(cluster, node, s3, self.clock, self._closing).start())
        return cluster

    def add(self, cluster: Cluster, steps: list[Shape], role: str | None = None) -> list[Step]:
        """Add steps.

        Raises
        ------
        ValidationException
        """
        if role:
            raise unable("ExecutionRoleArn", role, "Remove it: steps have the cluster's role.")
        with cluster.changed:
            if cluster.state in CLOSING:
                raise validation(
                    "A job flow that is shutting down, terminated, or finished may not be modified."
                )
            step_checks.check(steps, cluster.concurrency, len(cluster.active()))
            new = [Step(each, self.clock.now()) for each in steps]
            cluster.steps += new
            if new:
                cluster.idle_since = None
            cluster.changed.notify_all()
        return new

    def cancel(self, cluster: Cluster, ids: list[str]) -> list[Shape]:
        """CancelSteps, each by its id.

        https://docs.aws.amazon.com/emr/latest/APIReference/API_CancelSteps.html
        """
        told = []
        with cluster.changed:
            for id_ in ids:
                step = self.step(cluster, id_)
                why = "" if step.state in ("PENDING", "RUNNING") else f"Step is {step.state}."
                if step.state == "PENDING":
                    step.end("CANCELLED", self.clock.now(), "Cancelled by user")
                elif step.state == "RUNNING":
                    step.state = "CANCEL_PENDING"
                    step.stopped.set()
                status = "FAILED" if why else "SUBMITTED"
                told.append({"StepId": id_, "Status": status, "Reason": why})
            cluster.changed.notify_all()
        return told

    def terminate(self, ids: list[str]) -> None:
        """TerminateJobFlows: those that may be, then an error about the others.

        Raises
        ------
        ValidationException
        """
        found = [self.change(id_) for id_ in ids]
        for cluster in found:
            if not cluster.protected:
                cluster.end("USER_REQUEST", "Terminated by user request")
        if any(each.protected and each.state not in OVER for each in found):
            raise validation(
                "Could not shut down one or more job flows since they are termination protected."
            )

    def protect(self, ids: list[str], protected: bool) -> None:
        """SetTerminationProtection."""
        for cluster in [self.change(id_) for id_ in ids]:
            with cluster.changed:
                cluster.protected = protected
                cluster.changed.notify_all()

    def find(self, id_: str) -> Cluster:
        """A cluster, to be told of.

        Raises
        ------
        InvalidRequestException
        """
        if id_ not in self.clusters:
            raise invalid("NoSuchCluster", f"Cluster id '{id_}' is not valid.")
        return self.clusters[id_]

    def change(self, id_: str) -> Cluster:
        """A cluster, to be changed.

        Raises
        ------
        ValidationException
        """
        if id_ not in self.clusters:
            raise validation("Specified job flow ID does not exist.")
        return self.clusters[id_]

    def step(self, cluster: Cluster, id_: str) -> Step:
        """A step of a cluster.

        Raises
        ------
        InvalidRequestException
        """
        for step in cluster.steps:
            if step.id == id_:
                return step
        raise invalid("NoSuchStep", f"Step id '{id_}' is not valid.")

    def _wake(self) -> None:
        for cluster in list(self.clusters.values()):
            with cluster.changed:
                cluster.changed.notify_all()
