"""The time of a Map's calls, as Step Functions tells it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headrace.board import Stage
from headrace.scaling.measured import ScalingError, calls_s
from tests.integration.conftest import Running
from tests.integration.deployed import Deployed
from tests.integration.machines import Machines, one


@pytest.fixture
def machines(cloud: Running) -> Iterator[Machines]:
    deployed = Deployed(cloud)
    yield Machines(deployed)
    deployed.clean()


def mapped(machines: Machines, items: int, at_once: int) -> Stage:
    """A stage whose map run had calls of a second each."""
    wait = {"Type": "Wait", "Seconds": 1, "End": True}
    state = {
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "work",
            "States": {"work": wait},
        },
        "MaxConcurrency": at_once,
        "End": True,
    }
    execution = machines.start(one(state), list(range(items)))
    machines.ended(execution)
    started = [e for e in machines.events(execution) if e["type"] == "MapRunStarted"]
    return Stage("s", "map", map_run=started[0]["mapRunStartedEventDetails"]["mapRunArn"])


def test_it_is_from_the_first_start_to_the_last_end(machines: Machines) -> None:
    alone = calls_s(machines.api, mapped(machines, 3, 1))
    beside = calls_s(machines.api, mapped(machines, 3, 3))
    assert alone >= 3
    assert 1 <= beside < alone


def test_a_map_without_a_call_has_no_time(machines: Machines) -> None:
    with pytest.raises(ScalingError, match="no call in its map run"):
        calls_s(machines.api, mapped(machines, 0, 1))
