"""Which job is put where, and why the others wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from localcloud.engines.batch import capacity, listing
from localcloud.engines.batch.capacity import Capacity, Host
from localcloud.engines.batch.definitions import Definition
from localcloud.engines.batch.jobs import Job
from localcloud.engines.batch.scheduler import Scheduler


@dataclass
class Environment:
    """What is read of moto's."""

    name: str
    compute_resources: dict[str, Any]
    state: str = "ENABLED"

    @property
    def arn(self) -> str:
        return f"arn:{self.name}"


@dataclass
class Queue:
    """What is read of moto's."""

    name: str
    environments: list[Environment]
    priority: int = 1

    @property
    def arn(self) -> str:
        return self.name


@dataclass
class World:
    """Queues, and a scheduler that keeps what it started."""

    queues: list[Queue]
    memory_mib: int = 10_000
    started: list[tuple[str, str]] = field(default_factory=list)
    time: int = 0

    def __post_init__(self) -> None:
        self.capacity = Capacity(self.memory_mib, lambda resources: resources["hosts"])
        self.scheduler = Scheduler(
            self.capacity, lambda: self.queues, self._start, lambda: self.time
        )

    def _start(self, job: Job, environment: Environment, queue: str) -> None:
        self.started.append((job.name, environment.name))

    def submit(self, name: str, queue: str = "q", vcpus: float = 1, memory: int = 1000) -> Job:
        self.time += 1
        job = made(name, queue, vcpus, memory, self.time)
        self.scheduler.add([job])
        self.scheduler.turn()
        return job

    def end(self, job: Job) -> None:
        self.capacity.release(job)
        job.end("SUCCEEDED", "", self.time)
        self.scheduler.turn()


def made(name: str, queue: str, vcpus: float, memory: int, created: int, **more: Any) -> Job:
    given = {"jobDefinitionName": "d", "platformCapabilities": ["EC2"], "type": "container"}
    needs = [{"type": "VCPU", "value": f"{vcpus:g}"}, {"type": "MEMORY", "value": f"{memory}"}]
    return Job(
        given={"jobName": name},
        definition=Definition(given, 1, "arn:d:1"),
        queue=queue,
        arn_prefix="arn:",
        created=created,
        containers=[{"resourceRequirements": needs, "command": []}],
        **more,
    )


def environment(name: str = "e", most: int = 4, kind: str = "EC2") -> Environment:
    hosts = [Host(2, 2000), Host(4, 7680)]
    return Environment(name, {"type": kind, "maxvCpus": most, "hosts": hosts})


def test_jobs_start_in_their_order_while_there_is_room() -> None:
    world = World([Queue("q", [environment(most=3)])])
    first, second = world.submit("a", vcpus=2), world.submit("b", vcpus=2)
    third = world.submit("c")
    assert world.started == [("a", "e")]
    assert second.reason == (
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - asks 2 vCPUs, 1 of e are free"
    )
    assert world.scheduler.why(third) == f"Waits behind job {second.id}, the first of its queue"
    world.end(first)
    assert world.started == [("a", "e"), ("b", "e"), ("c", "e")]


def test_all_jobs_together_get_what_the_machine_has() -> None:
    here = Environment("e", {"type": "EC2", "maxvCpus": 99, "hosts": [Host(9, 9000)]})
    world = World([Queue("q", [here])], memory_mib=10_000)
    first = world.submit("a", memory=7000)
    second = world.submit("b", memory=4000)
    assert second.reason.endswith("asks 4,000 MB, 3,000 of this machine are free")
    world.end(first)
    assert second.status == "STARTING"


@pytest.mark.parametrize(
    ("vcpus", "memory", "why"),
    [
        (1, 8192, "asks 8,192 MB, the largest host offers 7,680"),
        (5, 1000, "asks 5 vCPUs, the largest host offers 4"),
        (9, 1000, "asks 9 vCPUs, e has at most 8"),
    ],
)
def test_what_never_fits(vcpus: float, memory: int, why: str) -> None:
    world = World([Queue("q", [environment(most=8)])])
    job = world.submit("a", vcpus=vcpus, memory=memory)
    assert job.status == "RUNNABLE"
    assert job.reason.startswith("MISCONFIGURATION:")
    assert job.reason.endswith(why)


def test_what_waits_for_room_in_one_environment_says_so() -> None:
    world = World([Queue("q", [environment("small", most=1), environment("large")])])
    world.submit("a", vcpus=4)
    assert world.started == [("a", "large")]
    job = world.submit("b", vcpus=2)
    assert "0 of large are free" in job.reason


def test_the_queue_of_higher_priority_is_asked_first() -> None:
    shared = [environment(most=1)]
    world = World([Queue("low", shared), Queue("high", shared, priority=5)])
    first = world.submit("a", "low")
    world.submit("b", "low"), world.submit("c", "high")
    world.end(first)
    assert [name for name, _ in world.started] == ["a", "c"]


def test_another_attempt_has_its_old_place() -> None:
    world = World([Queue("q", [environment(most=1)])])
    first = world.submit("a")
    world.submit("b")
    world.capacity.release(first)
    world.scheduler.again(first)
    world.scheduler.turn()
    assert [name for name, _ in world.started] == ["a", "a"]


def test_a_job_that_cannot_be_placed_is_ended_and_holds_up_no_other() -> None:
    world = World([Queue("q", [Environment("e", {"type": "EC2"})]), Queue("r", [environment()])])
    job = world.submit("a", "q")
    assert (job.status, job.reason[:14]) == ("FAILED", "Internal error")
    world.submit("b", "r")
    assert world.started == [("b", "e")]


def test_what_depends_waits_and_fails_with_what_it_depends_on() -> None:
    world = World([Queue("q", [environment()])])
    first = world.submit("a")
    second, third = made("b", "q", 1, 100, 2), made("c", "q", 1, 100, 3)
    second.depends, third.depends = [first], [second]
    world.scheduler.add([third, second])
    world.scheduler.turn()
    assert (second.status, third.status) == ("PENDING", "PENDING")
    world.capacity.release(first)
    first.end("FAILED", "", 9)
    for _ in range(2):
        world.scheduler.turn()
    assert (second.status, third.reason) == ("FAILED", "Dependent Job failed")


def test_an_array_ends_with_its_last_child() -> None:
    parent = made("a", "q", 1, 100, 1)
    parent.children = [
        made("a", "q", 1, 100, 1, id=f"x:{index}", index=index, parent=parent) for index in (0, 1)
    ]
    parent.children[0].end("FAILED", "no", 5)
    assert (parent.status, parent.summary()["FAILED"]) == ("SUBMITTED", 1)
    parent.children[1].end("SUCCEEDED", "", 7)
    assert (parent.status, parent.reason) == ("FAILED", "Array Child Job failed")
    assert parent.stopped == 7


def test_hosts_of_instance_types() -> None:
    def offers(*names: str) -> list[Host]:
        return capacity.hosts({"type": "EC2", "instanceTypes": list(names)})

    assert offers("m5.large") == [Host(2, 7680)]
    assert Host(2, 7680) in offers("m5")
    assert max(host.vcpus for host in offers("optimal")) >= 64
    assert offers("m5.none") == []
    assert capacity.hosts({"type": "FARGATE"}) == [Host(16, 122880)]
    assert capacity.machine_mib() > 500


def test_pages() -> None:
    found = list(range(5))
    assert listing.page(found, {"maxResults": 2}) == ([0, 1], "2")
    assert listing.page(found, {"maxResults": 2, "nextToken": "4"}) == ([4], None)
    assert listing.page(found, {}) == (found, None)
