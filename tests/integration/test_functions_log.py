"""Every invocation is written to CloudWatch Logs, in the function's group, with Lambda's lines."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import Running
from tests.integration.deployed import RUNTIME, Deployed, unique, wait_until

TALK = """
import logging, sys
print("at import")
logging.getLogger().setLevel("INFO")

def handle(event, context):
    print("one")
    print("two", file=sys.stderr)
    logging.info("three %s", event)
    sys.stdout.write("no newline")
"""


@pytest.fixture(scope="module")
def deployed(cloud: Running) -> Iterator[Deployed]:
    made = Deployed(cloud)
    yield made
    made.clean()


def events(deployed: Deployed, group: str) -> tuple[str, list[str]]:
    """The one stream of a group, and its messages."""
    logs = deployed.cloud.client("logs")
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    name = stream["logStreamName"]
    got = logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)
    return name, [each["message"] for each in got["events"]]


def test_the_group_has_what_was_printed_between_start_and_report(deployed: Deployed) -> None:
    name = deployed.function(TALK)
    answer = deployed.invoke(name, {"a": 1})
    stream, lines = events(deployed, f"/aws/lambda/{name}")
    today = datetime.datetime.now(datetime.UTC).strftime("%Y/%m/%d")
    assert re.fullmatch(rf"{today}/\[\$LATEST\][0-9a-f]{{32}}", stream)
    request = answer.headers["x-amzn-requestid"]
    version = RUNTIME.replace("python", "python:")
    assert lines[0] == f"INIT_START Runtime Version: {version}\n"
    assert lines[1:5] == [
        "at import\n",
        f"START RequestId: {request} Version: $LATEST\n",
        "one\n",
        "two\n",
    ]
    pattern = rf"\[INFO\]\t[\d\-T:.]+Z\t{request}\tthree {{'a': 1}}\n"
    assert re.fullmatch(pattern, lines[5])
    assert lines[6:8] == ["no newline\n", f"END RequestId: {request}\n"]
    assert lines[8].startswith(f"REPORT RequestId: {request}\tDuration: ")
    assert len(lines) == 9


def test_the_tail_of_a_warm_call_is_its_own(deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): print('n', event['n'])")
    deployed.invoke(name, {"n": 1})
    log = deployed.invoke(name, {"n": 2}).log
    assert "n 2\n" in log
    assert "n 1\n" not in log


def test_the_tail_is_the_last_4_kb(deployed: Deployed) -> None:
    answer = deployed.run("def handle(event, context):\n    for n in range(1000): print('line', n)")
    assert len(answer.log) == 4096
    assert "line 999\n" in answer.log


def test_an_error_is_one_event_with_its_lines(deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): raise ValueError('no')")
    deployed.invoke(name)
    _, lines = events(deployed, f"/aws/lambda/{name}")
    (error,) = [line for line in lines if line.startswith("[ERROR]")]
    assert error.startswith("[ERROR] ValueError: no\nTraceback (most recent call last):\n")


def test_a_group_of_its_own_and_json_lines(deployed: Deployed) -> None:
    group = unique("/own/group")
    name = deployed.function(
        "import logging\ndef handle(event, context): logging.warning('careful')",
        LoggingConfig={"LogFormat": "JSON", "LogGroup": group},
    )
    request = deployed.invoke(name).headers["x-amzn-requestid"]
    told = deployed.lambdas.get_function_configuration(FunctionName=name)["LoggingConfig"]
    assert told == {"LogFormat": "JSON", "LogGroup": group}
    lines: list[dict[str, Any]] = [json.loads(line) for line in events(deployed, group)[1]]
    kinds = [line.get("type", line.get("level")) for line in lines]
    assert kinds == ["platform.initStart", "platform.start", "WARNING", "platform.report"]
    assert lines[1]["record"]["requestId"] == lines[2]["requestId"] == request
    assert lines[3]["record"]["metrics"]["memorySizeMB"] == 128


def test_a_line_is_there_while_the_call_runs(deployed: Deployed) -> None:
    name = deployed.function(
        "import time\ndef handle(event, context): print('early'); time.sleep(8)", Timeout=9
    )
    deployed.lambdas.invoke(FunctionName=name, InvocationType="Event")
    logs = deployed.cloud.client("logs")

    def shown() -> bool:
        groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
        return bool(groups) and "early\n" in events(deployed, f"/aws/lambda/{name}")[1]

    wait_until(shown, 7)
