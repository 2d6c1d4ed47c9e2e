"""The stack that computes a study's stages; it can be destroyed and made again at will."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.plan import Plan, StagePlan
from headrace.target import Target
from infra.alarms import RunAlarms
from infra.batch import Jobs, JobsProps
from infra.bundle import Assets
from infra.cluster import Cluster, ClusterProps
from infra.function import Function, FunctionProps
from infra.machine import machine
from infra.machine_task import REGISTER_TIMEOUT_S, RUN_TIMEOUT_S, Names
from infra.run_rights import NAMED, OWN, Place, RunRights
from infra.state_machine import StateMachine, StateMachineProps


class RunStack(cdk.Stack):
    """The functions of the run, one for each Map stage, and the state machine that calls them.

    Where stages need a cluster, also what the machine makes one of; where stages run in containers,
    what Batch has of them.

    Like the flow stack it knows the data stack's resources by the plan's names.

    Parameters
    ----------
    plan : Plan
        What to build.
    target : Target
        Whose Python the functions run.
    assets : Assets
        Where zips come from.
    """

    def __init__(
        self, scope: Construct, plan: Plan, target: Target, assets: Assets, **stack: Any
    ) -> None:
        super().__init__(
            scope,
            plan.run_stack,
            description=f"Headrace, study {plan.study.name}: the run of its stages.",
            **stack,
        )
        self._plan, self._target, self._assets = plan, target, assets
        self.bucket_name = plan.bucket(self.account, self.region)
        self._rights = RunRights(plan, self.bucket_name)
        functions = [self._run(), self._register(), *(self._map(s) for s in plan.maps)]
        self.machine = self._machine(functions)
        arn = self.machine.machine.attr_arn
        RunAlarms(self, "Alarms", sfn.StateMachine.from_state_machine_arn(self, "Watched", arn))
        cdk.CfnOutput(self, "MachineArn", value=arn)

    def _run(self) -> Function:
        return self._function(
            "run",
            "Begins runs, and says of each stage what is to be done",
            # No package to load, and a few small objects to read.
            memory_mib=512,
            timeout_s=RUN_TIMEOUT_S,
            environment={"DATABASE": self._plan.database},
            rights=self._rights.run(),
            wildcards=self._rights.wildcards("runs", "tables"),
        )

    def _register(self) -> Function:
        return self._function(
            "register",
            "Makes a stage's results its table; the only writer of stages' tables",
            # It writes whole tables: two vCPUs.
            memory_mib=2 * 1769,
            timeout_s=REGISTER_TIMEOUT_S,
            environment={"DATABASE": self._plan.database},
            rights=self._rights.register(),
            wildcards=self._rights.wildcards("runs", "tables", "athena"),
        )

    def _map(self, stage: StagePlan) -> Function:
        told = stage.deployed()
        return self._function(
            "map",
            f"Calls {told['fn']} on each item",
            stage=stage.name,
            memory_mib=told["memory_mib"],
            timeout_s=told["timeout_s"],
            environment={"STAGE": stage.name, "DATABASE": self._plan.database},
            rights=self._rights.map(stage),
            wildcards=self._rights.wildcards("runs", "files") | _named(self._rights.places(stage)),
        )

    def _function(self, folder: str, description: str, stage: str = "", **props: Any) -> Function:
        name = f"{folder}-{stage}" if stage else folder
        props["environment"] = {"LAKE_BUCKET": self.bucket_name} | props["environment"]
        return Function(
            self,
            name.capitalize(),
            FunctionProps(
                folder=folder,
                zips=name,
                name=self._plan.function(name),
                description=description,
                **props,
            ),
            self._assets,
            self._target,
        )

    def _cluster(self) -> Cluster | None:
        if not self._plan.emr:
            return None
        props = ClusterProps(self._plan, self._rights)
        return Cluster(self, "Cluster", props, self._assets, self._target)

    def _jobs(self, cluster: Cluster | None) -> Jobs | None:
        if not self._plan.tasks:
            return None
        network = cluster.network if cluster else None
        props = JobsProps(self._plan, self._rights, network, self.tags.tag_values())
        return Jobs(self, "Jobs", props, self._assets, self._target)

    def _machine(self, functions: list[Function]) -> StateMachine:
        rights, cluster = self._rights, self._cluster()
        jobs = self._jobs(cluster)
        made = [part for part in (cluster, jobs) if part]
        names = Names(
            self.bucket_name,
            cdk.Aws.PARTITION,
            cluster=cluster.names if cluster else None,
            programs={stage: name for part in made for stage, name in part.programs.items()},
        )
        own = dict.fromkeys(rights.executions(), OWN)
        return StateMachine(
            self,
            "Machine",
            StateMachineProps(
                name=self._plan.machine,
                definition=machine(self._plan, names),
                rights=[
                    *rights.machine(f.function.function_arn for f in functions),
                    *(right for part in made for right in part.rights()),
                ],
                wildcards=rights.wildcards("runs", "tables", "athena", *rights.own_externals())
                | own
                | _named(rights.externals())
                | _joined([part.wildcards() for part in made]),
            ),
        )


def _joined(why: list[dict[str, str]]) -> dict[str, str]:
    """Reasons by resource, all of those that name the same one."""
    found: dict[str, str] = {}
    for reasons in why:
        for resource, reason in reasons.items():
            found[resource] = f"{found[resource]} {reason}" if resource in found else reason
    return found


def _named(places: list[Place]) -> dict[str, str]:
    return {place.arn: NAMED for place in places}
