"""What a cluster does, in a thread of its own, until it is over.

bootstrap actions ─▶ steps, so many at a time ─▶ waits, or ends ─▶ nodes go
                          └ each in a thread: run, keep its logs, settle
"""

from __future__ import annotations

import shutil
import sys
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.clock import Clock
from localcloud.engines.emr import commands, logs
from localcloud.engines.emr.clusters import Cluster
from localcloud.engines.emr.node_work import Ended, Node, Work
from localcloud.engines.emr.steps import Step

#: Messages of a cluster that waits, by how its last step ended.
READY = {
    "COMPLETED": "Cluster ready after last step completed.",
    "FAILED": "Cluster ready after last step failed.",
    "CANCELLED": "Cluster ready after last step cancelled.",
}

#: How long a cluster that would end without a step is given to get one: on AWS it is made in
#: minutes, and mrjob adds its steps meanwhile.
PROVISIONING_S = 120.0

#: The longest wait without a look at the clock.
GLANCE_S = 600.0


@dataclass(frozen=True)
class Life:
    """The life of one cluster.

    Parameters
    ----------
    cluster : Cluster
    node : Node
        What its commands run on; its folder is the cluster's own.
    s3 : client
    clock : Clock
    closing : threading.Event
        Set when the cloud stops: nothing answers then that logs could be kept in.
    """

    cluster: Cluster
    node: Node
    s3: Any
    clock: Clock
    closing: threading.Event

    def start(self) -> threading.Thread:
        """Begin."""
        thread = threading.Thread(target=self._live, name=f"emr-{self.cluster.id}", daemon=True)
        thread.start()
        return thread

    def _live(self) -> None:
        threads: list[threading.Thread] = []
        try:
            self.node.folder.mkdir(parents=True)
            self._provision()
            self._bootstrap()
            with self.cluster.changed:
                while not self.cluster.ending:
                    self._turn(threads)
        except Exception as fault:
            traceback.print_exc(file=sys.stderr)
            self.cluster.end("INTERNAL_ERROR", f"{type(fault).__name__}: {fault}", failing=True)
        for thread in threads:
            thread.join()
        shutil.rmtree(self.node.folder, ignore_errors=True)
        self._over()

    def _over(self) -> None:
        cluster = self.cluster
        with cluster.changed:
            cluster.ended = self.clock.now()
            for step in cluster.active():
                step.end("CANCELLED", cluster.ended, "Job terminated")
            cluster.state = "TERMINATED_WITH_ERRORS" if cluster.failing else "TERMINATED"

    def _provision(self) -> None:
        cluster, until = self.cluster, self.clock.now() + PROVISIONING_S
        with cluster.changed:
            while not (cluster.keep_alive or cluster.steps or cluster.ending):
                if (left_s := until - self.clock.now()) <= 0:
                    return
                cluster.changed.wait(left_s)

    def _bootstrap(self) -> None:
        """Run the bootstrap actions; the first that fails ends the cluster."""
        with self.cluster.changed:
            if not self.cluster.ending:
                self.cluster.move("BOOTSTRAPPING", "Running bootstrap actions")
        for number, action in enumerate(self.cluster.given.get("BootstrapActions") or [], 1):
            if self.cluster.ending:
                return
            self._act(number, action["ScriptBootstrapAction"])
        with self.cluster.changed:
            if not self.cluster.ending:
                self.cluster.ready = self.clock.now()

    def _act(self, number: int, action: dict[str, Any]) -> None:
        master = self.cluster.hardware.instances[0]["Ec2InstanceId"]
        folder = self.node.folder / "bootstrap" / str(number)
        work = self._work(folder, ["bash", str(folder / "script"), *(action.get("Args") or [])])
        bucket, key = logs.split(action["Path"])
        try:
            self.s3.download_file(bucket, key, str(folder / "script"))
        except Exception as fault:
            message = (
                f"Master instance ({master}) failed attempting to download bootstrap action "
                f"{number} file from S3: {fault}"
            )
            self.cluster.end("BOOTSTRAP_FAILURE", message, failing=True)
            return
        ended = commands.run(self.node, work, self.cluster.stopped)
        where = f"node/{master}/bootstrap-actions/{number}"
        self._keep({where: work.logs})
        if ended.exit_code:
            message = (
                f"On the master instance ({master}), bootstrap action {number} returned a "
                "non-zero return code"
            )
            self.cluster.end("BOOTSTRAP_FAILURE", message, failing=True)

    def _keep(self, folders: dict[str, Path]) -> None:
        if self.cluster.logs and not self.closing.is_set():
            logs.upload(self.s3, self.cluster.logs, folders)

    def _work(self, folder: Path, args: list[str]) -> Work:
        for name in ("work", "logs", "containers"):
            (folder / name).mkdir(parents=True)
        return Work(args, folder / "work", folder / "logs", folder / "containers")

    def _turn(self, threads: list[threading.Thread]) -> None:
        """Start what can start, then wait for a change, or for the end of the idle time."""
        cluster = self.cluster
        active = cluster.active()
        running = [step for step in active if step.state != "PENDING"]
        pending = [step for step in active if step.state == "PENDING"]
        for step in pending[: max(0, cluster.concurrency - len(running))]:
            step.begin(self.clock.now())
            thread = threading.Thread(target=self._step, args=(step,), name=step.id, daemon=True)
            threads.append(thread)
            thread.start()
        if active:
            cluster.idle_since = None
            cluster.move("RUNNING", "Running step")
            cluster.changed.wait()
        elif not cluster.keep_alive:
            self._done()
        else:
            self._wait()

    def _done(self) -> None:
        failed = any(step.state == "FAILED" for step in self.cluster.steps)
        message = "Steps completed with errors" if failed else "Steps completed"
        self.cluster.end("ALL_STEPS_COMPLETED", message)

    def _wait(self) -> None:
        cluster, now = self.cluster, self.clock.now()
        if cluster.idle_since is None:
            cluster.idle_since = now
            over = [step for step in cluster.steps if step.ended is not None]
            last = max(over, key=lambda step: step.ended or 0).state if over else ""
            cluster.move("WAITING", READY.get(last, "Cluster ready to run steps."))
        left_s = GLANCE_S
        if cluster.idle_policy and not cluster.protected:
            idle_s = now - max(cluster.idle_since, cluster.policy_since)
            left_s = cluster.idle_policy["IdleTimeout"] - idle_s
            if left_s <= 0:
                # USER_REQUEST is the nearest of EMR's codes, none of which is for idleness; no
                # source was found for the code and the words that EMR itself uses.
                # https://docs.aws.amazon.com/emr/latest/APIReference/API_ClusterStateChangeReason.html
                message = f"Terminated by auto-termination policy: idle for {idle_s:.0f} seconds"
                cluster.end("USER_REQUEST", message)
                return
        cluster.changed.wait(min(left_s, GLANCE_S))

    def _step(self, step: Step) -> None:
        """Run one step, keep its logs, then say how it ended."""
        folder = self.node.folder / "steps" / step.id
        try:
            work = self._work(folder, step.args)
            ended = commands.run(self.node, work, step.stopped)
        except Exception as fault:
            traceback.print_exc(file=sys.stderr)
            ended = Ended(1, "Unknown Error.", f"{type(fault).__name__}: {fault}")
        self._keep({f"steps/{step.id}": folder / "logs", "containers": folder / "containers"})
        shutil.rmtree(folder, ignore_errors=True)
        with self.cluster.changed:
            self._settle(step, ended)
            self.cluster.changed.notify_all()

    def _settle(self, step: Step, ended: Ended) -> None:
        cluster, now = self.cluster, self.clock.now()
        if ended.exit_code == 0:
            step.end("COMPLETED", now)
        elif step.state == "CANCEL_PENDING":
            step.end("CANCELLED", now, "Cancelled by user")
        elif cluster.ending:
            step.end("INTERRUPTED", now, "Job terminated")
        else:
            log = f"{cluster.logs}/steps/{step.id}/stderr.gz" if cluster.logs else ""
            reason = ended.reason or "Unknown Error."
            step.end("FAILED", now, Reason=reason, Message=ended.message, LogFile=log)
            self._after_failure(step)

    def _after_failure(self, step: Step) -> None:
        """Do what the step wants done.

        https://docs.aws.amazon.com/emr/latest/ManagementGuide/UsingEMR_TerminationProtection.html
        and https://docs.aws.amazon.com/emr/latest/APIReference/API_Step.html: where more than
        one step runs at a time, the others go on whatever it says.
        """
        cluster = self.cluster
        if step.action == "CONTINUE" or cluster.concurrency > 1:
            return
        stays = step.action == "CANCEL_AND_WAIT" or cluster.protected
        if not (stays and cluster.keep_alive):
            cluster.end("STEP_FAILURE", "Shut down as step failed", failing=True)
            return
        for each in cluster.active():
            each.end("CANCELLED", self.clock.now(), f"Cancelled: step {step.id} failed")
