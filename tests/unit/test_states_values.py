"""Paths, pages, times and shapes: what each means, without a cloud."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_manager import (
    EventHistoryContext,
    EventManager,
)
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from localcloud.engines.patching import wrap
from localcloud.engines.states import clients, history
from localcloud.engines.states.choices import time_of
from localcloud.engines.states.program import extract
from localcloud.engines.states.tasks import operation


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", {"a": [{"b": 1}, {"b": 2}], "c": None}),
        ("$.a[0].b", 1),
        ("$.a[*].b", [1, 2]),
        ("$.a[?(@.b == 2)].b", [2]),
        ("$.a[?(@.b == 3)]", []),
        ("$..b", [1, 2]),
        ("$.c", None),
        ("$['a'][1]['b']", 2),
    ],
)
def test_what_a_path_finds(path: str, found: Any) -> None:
    assert extract(path, {"a": [{"b": 1}, {"b": 2}], "c": None}) == found


def test_a_path_that_finds_nothing() -> None:
    for path in "$.x", "$.a[2]", "$.c.d":
        with pytest.raises(NoSuchJsonPathError):
            extract(path, {"a": [1], "c": None})


@given(count=some.integers(0, 30), size=some.integers(1, 12), newest_first=some.booleans())
def test_pages_hold_every_event_once(count: int, size: int, newest_first: bool) -> None:
    events = [{"id": i + 1} for i in range(count)]
    found: list[int] = []
    token: str | None = None
    while True:
        page, token = history.page(events, size, token, newest_first, True)
        found += [event["id"] for event in page]
        if token is None:
            break
    assert found == sorted((e["id"] for e in events), reverse=newest_first)


def test_events_that_come_while_pages_are_read() -> None:
    events = [{"id": i + 1} for i in range(4)]
    first, token = history.page(events, 2, None, True, True)
    events += [{"id": 5}, {"id": 6}]
    second, _ = history.page(events, 2, token, True, True)
    assert [e["id"] for e in first + second] == [4, 3, 2, 1]


def test_a_history_that_is_full() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: 25,000 events
    class Manager(EventManager):
        pass

    wrap(Manager, add_event=history.limited)
    manager, context = Manager(), EventHistoryContext.of_program_start()
    for _ in range(24_999):
        manager.add_event(context, HistoryEventType.PassStateEntered)
    with pytest.raises(history.TooManyEvents, match="25000"):
        manager.add_event(context, HistoryEventType.PassStateEntered)
    manager.add_event(context, HistoryEventType.ExecutionFailed)
    assert len(manager._history_event_list) == 25_000


def test_times() -> None:
    assert time_of("2026-01-01T00:00:00Z") == datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    assert time_of("2026-01-01T01:00:00.5+01:00") == datetime.datetime(
        2026, 1, 1, 0, 0, 0, 500_000, tzinfo=datetime.UTC
    )
    for text in "2026-01-01", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z":
        assert time_of(text) is None


def test_parameters_as_boto3_takes_them() -> None:
    model = operation("states", "startExecution")
    assert model is not None
    given_ = {"StateMachineArn": "a", "Input": {"b": [1]}}
    assert clients.to_boto(given_, model.input_shape) == {
        "stateMachineArn": "a",
        "input": '{"b":[1]}',
    }
    with pytest.raises(ValueError, match="'Nothing' of Parameters is not one of"):
        clients.to_boto({"Nothing": 1}, model.input_shape)


def test_answers_as_states_give_them_on() -> None:
    model = operation("states", "describeExecution")
    assert model is not None
    when = datetime.datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=datetime.UTC)
    told = {"executionArn": "a", "startDate": when, "ResponseMetadata": {}}
    assert clients.from_boto(told, model.output_shape, clients.iso) == {
        "ExecutionArn": "a",
        "StartDate": "2026-01-01T00:00:00.250Z",
    }
    told = clients.from_boto(told, model.output_shape, clients.milliseconds)
    assert told["StartDate"] == 1_767_225_600_250


@pytest.mark.parametrize(
    ("service_id", "name"),
    [("S3", "S3"), ("SFN", "Sfn"), ("DynamoDB", "DynamoDb"), ("Athena", "Athena"), ("SQS", "Sqs")],
)
def test_names_of_services_in_errors(service_id: str, name: str) -> None:
    assert clients.sdk_name(service_id) == name
