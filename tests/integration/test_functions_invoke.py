"""Invoke: what a caller gets, whatever becomes of the function's process."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import Running
from tests.integration.deployed import RUNTIME, SAW, Deployed, wait_until, zipped


@pytest.fixture(scope="module")
def deployed(cloud: Running) -> Iterator[Deployed]:
    made = Deployed(cloud)
    yield made
    made.clean()


def test_a_handler_answers(deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): return {'got': event}")
    answer = deployed.invoke(name, {"a": [1, "é"]})
    assert answer.payload == {"got": {"a": [1, "é"]}}
    assert answer.error is None
    assert answer.headers["x-amz-executed-version"] == "$LATEST"


def test_no_payload_is_an_empty_event(deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): return event")
    assert json.loads(deployed.lambdas.invoke(FunctionName=name)["Payload"].read()) == {}


def test_a_warm_environment_is_used_again_and_init_runs_once(deployed: Deployed) -> None:
    name = deployed.function(
        "import os\ncalls = []\n"
        "def handle(event, context): calls.append(1); return [os.getpid(), len(calls)]"
    )
    first, second = deployed.invoke(name).payload, deployed.invoke(name).payload
    assert first[0] == second[0]
    assert (first[1], second[1]) == (1, 2)


def test_concurrent_calls_have_environments_of_their_own(deployed: Deployed) -> None:
    name = deployed.function(
        "import os, time\ndef handle(event, context): time.sleep(0.5); return os.getpid()"
    )
    with ThreadPoolExecutor(3) as pool:
        pids = list(pool.map(lambda _: deployed.invoke(name).payload, range(3)))
    assert len(set(pids)) == 3


def test_the_context_knows_its_invocation(deployed: Deployed) -> None:
    name = deployed.function(
        "def handle(event, context): return [context.function_name, context.memory_limit_in_mb, "
        "context.aws_request_id, context.invoked_function_arn, "
        "context.get_remaining_time_in_millis(), context.client_context.custom]",
        Timeout=7,
        MemorySize=256,
    )
    context = base64.b64encode(json.dumps({"custom": {"a": "b"}}).encode()).decode()
    answer = deployed.invoke(name, ClientContext=context)
    function, memory, request, arn, left, custom = answer.payload
    assert (function, memory) == (name, "256")
    assert request == answer.headers["x-amzn-requestid"]
    assert arn.endswith(f":function:{name}")
    assert 6000 < left <= 7000
    assert custom == {"a": "b"}


def test_an_exception_is_told_and_the_environment_lives_on(deployed: Deployed) -> None:
    name = deployed.function(
        "import os\ndef handle(event, context):\n"
        "    if event.get('fail'): raise ValueError('no such thing')\n"
        "    return os.getpid()"
    )
    pid = deployed.invoke(name).payload
    answer = deployed.invoke(name, {"fail": True})
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "ValueError"
    assert answer.payload["errorMessage"] == "no such thing"
    assert "line 3, in handle" in answer.payload["stackTrace"][0]
    assert "[ERROR] ValueError: no such thing\nTraceback" in answer.log
    assert deployed.invoke(name).payload == pid


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import not_there", "Runtime.ImportModuleError"),
        ("def other(event, context): pass", "Runtime.HandlerNotFound"),
        ("def handle(:", "Runtime.UserCodeSyntaxError"),
        ("raise RuntimeError('at import')", "RuntimeError"),
    ],
)
def test_an_error_of_the_init_phase_is_told(deployed: Deployed, source: str, error: str) -> None:
    answer = deployed.run(source)
    assert (answer.error, answer.payload["errorType"]) == ("Unhandled", error)
    assert answer.payload["requestId"] == answer.headers["x-amzn-requestid"]
    assert error in answer.log


def test_a_call_over_its_timeout_is_killed(deployed: Deployed) -> None:
    name = deployed.function(
        "import os, time\ndef handle(event, context):\n"
        "    print('begun')\n    time.sleep(event.get('s', 0)); return os.getpid()",
        Timeout=1,
    )
    pid, began = deployed.invoke(name).payload, time.monotonic()
    answer = deployed.invoke(name, {"s": 20})
    assert time.monotonic() - began < 10
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "Sandbox.Timedout"
    assert answer.payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert "begun\n" in answer.log
    assert "Task timed out after 1.00 seconds" in answer.log
    assert "Status: timeout" in answer.log
    assert deployed.invoke(name).payload != pid


def test_a_call_over_its_memory_is_killed(deployed: Deployed) -> None:
    name = deployed.function(
        "import os, time\ndef handle(event, context):\n"
        "    kept = [bytearray(1 << 20) for _ in range(event.get('mib', 1))]\n"
        "    time.sleep(event.get('s', 0)); return os.getpid()",
        MemorySize=128,
        Timeout=10,
    )
    pid = deployed.invoke(name).payload
    answer = deployed.invoke(name, {"mib": 300, "s": 5})
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert answer.payload["errorMessage"].endswith("Runtime exited with error: signal: killed")
    assert "Error Type: Runtime.OutOfMemory" in answer.log
    assert deployed.invoke(name).payload != pid


def test_memory_that_was_given_back_at_once_counts_too(deployed: Deployed) -> None:
    answer = deployed.run(
        "def handle(event, context):\n    bytearray(200 << 20); return 1", MemorySize=128
    )
    assert "Runtime.OutOfMemory" in answer.log


@pytest.mark.parametrize(
    ("source", "ending"),
    [
        ("import os\ndef handle(e, c): os.kill(os.getpid(), 9)", "signal: killed"),
        ("import os\ndef handle(e, c): os.kill(os.getpid(), 11)", "signal: segmentation fault"),
        ("import sys\ndef handle(e, c): sys.exit(3)", "exit status 3"),
        ("import os\ndef handle(e, c): os._exit(0)", "Runtime exited without providing a reason"),
        ("import os\nos._exit(4)", "exit status 4"),
    ],
)
def test_a_process_that_ends_is_an_error_of_its_caller(
    deployed: Deployed, source: str, ending: str
) -> None:
    answer = deployed.run(source)
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert answer.payload["errorMessage"].endswith(ending)


def test_a_process_that_died_while_idle_is_replaced(deployed: Deployed) -> None:
    name = deployed.function(
        "import os, threading, time\n"
        "def end(): time.sleep(0.1); os._exit(1)\n"
        "def handle(event, context):\n"
        "    if event.get('end'): threading.Thread(target=end).start()\n"
        "    return os.getpid()"
    )
    pid = deployed.invoke(name, {"end": True}).payload
    time.sleep(0.4)
    answer = deployed.invoke(name)
    assert answer.error is None
    assert answer.payload != pid


def test_new_code_and_settings_are_in_force_at_the_next_call(deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): return 'old'")
    assert deployed.invoke(name).payload == "old"
    code = zipped(
        {"app.py": "import os\ndef handle(e, c): return [c.memory_limit_in_mb, os.environ['X']]"}
    )
    deployed.lambdas.update_function_code(FunctionName=name, ZipFile=code)
    deployed.lambdas.update_function_configuration(
        FunctionName=name, MemorySize=192, Environment={"Variables": {"X": "new"}}
    )
    assert deployed.invoke(name).payload == ["192", "new"]


def test_a_dry_run_runs_nothing(deployed: Deployed) -> None:
    name = deployed.function("raise SystemExit")
    assert deployed.lambdas.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(ClientError, match="Function not found"):
        deployed.lambdas.invoke(FunctionName="not-there", InvocationType="DryRun")


def test_payloads_are_held_to_the_limits(deployed: Deployed) -> None:
    name = deployed.function(
        "def handle(event, context): return 'x' * event.get('bytes', 0) or len(event['pad'])"
    )
    assert deployed.invoke(name, {"pad": "x" * 6_000_000}).payload == 6_000_000
    with pytest.raises(ClientError) as fault:
        deployed.invoke(name, {"pad": "x" * 6_291_456})
    assert fault.value.response["Error"]["Code"] == "RequestTooLargeException"
    assert fault.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert len(deployed.invoke(name, {"bytes": 6_000_000}).payload) == 6_000_000
    answer = deployed.invoke(name, {"bytes": 6_300_000})
    assert answer.payload["errorType"] == "Function.ResponseSizeTooLarge"
    big = json.dumps({"pad": "x" * (1 << 20)})
    with pytest.raises(ClientError, match="RequestTooLargeException"):
        deployed.lambdas.invoke(FunctionName=name, InvocationType="Event", Payload=big)


def test_what_is_no_json_is_refused(deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): return 1")
    with pytest.raises(ClientError, match="InvalidRequestContentException"):
        deployed.lambdas.invoke(FunctionName=name, Payload=b"{no")


def test_reserved_concurrency_throttles(deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): return 1")
    deployed.lambdas.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as fault:
        deployed.invoke(name)
    assert fault.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert fault.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    deployed.lambdas.delete_function_concurrency(FunctionName=name)
    assert deployed.invoke(name).payload == 1


def test_a_published_version_keeps_its_code(deployed: Deployed) -> None:
    name = deployed.function("def handle(event, c): return ['one', c.function_version]")
    version = deployed.lambdas.publish_version(FunctionName=name)["Version"]
    code = zipped(
        {"app.py": "def handle(event, context): return ['two', context.function_version]"}
    )
    deployed.lambdas.update_function_code(FunctionName=name, ZipFile=code)
    assert deployed.invoke(name).payload == ["two", "$LATEST"]
    assert deployed.invoke(name, Qualifier=version).payload == ["one", version]


def test_a_deleted_function_is_gone_with_its_processes(deployed: Deployed) -> None:
    name = deployed.function("import os\ndef handle(event, context): return os.getpid()")
    pid = deployed.invoke(name).payload
    deployed.lambdas.delete_function(FunctionName=name)
    assert not psutil.pid_exists(pid)
    with pytest.raises(ClientError, match="Function not found"):
        deployed.invoke(name)


def test_the_metrics_count_calls_and_errors(deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): return 1 / event['by']")
    deployed.invoke(name, {"by": 1})
    deployed.invoke(name, {"by": 0})
    now = time.time()

    def total(metric: str) -> float:
        got = deployed.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime=now - 300,
            EndTime=now + 300,
            Period=60,
            Statistics=["Sum"],
        )
        return sum(float(point["Sum"]) for point in got["Datapoints"])

    assert total("Invocations") == 2
    assert total("Errors") == 1
    assert total("Duration") > 0


def test_the_report_is_measured(deployed: Deployed) -> None:
    name = deployed.function("import time\ndef handle(event, context): time.sleep(0.3)")
    first, second = deployed.invoke(name).log, deployed.invoke(name).log
    figures = dict(re.findall(r"(\w[\w ]+): ([\d.]+) (?:ms|MB)\t", first))
    assert 300 <= float(figures["Duration"]) < 2000
    assert 10 < float(figures["Init Duration"]) < 5000
    spent = float(figures["Duration"]) + float(figures["Init Duration"])
    assert abs(int(figures["Billed Duration"]) - spent) <= 1
    assert figures["Memory Size"] == "128"
    assert 5 <= int(figures["Max Memory Used"]) <= 128
    assert "Init Duration" not in second


def test_what_asynchronous_calls_fail_on_is_retried_then_told(deployed: Deployed) -> None:
    url, arn = deployed.queue()
    name = deployed.function(
        f"{SAW}\ndef handle(event, context):\n"
        "    saw(context.aws_request_id)\n    raise ValueError('again')"
    )
    deployed.lambdas.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    got = deployed.lambdas.invoke(FunctionName=name, InvocationType="Event", Payload='{"n": 1}')
    assert got["StatusCode"] == 202
    (record,) = wait_until(lambda: deployed.messages(url))
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["requestPayload"] == {"n": 1}
    assert record["responsePayload"]["errorMessage"] == "again"
    seen = deployed.seen(name)
    assert len(seen) == 2
    assert len(set(seen)) == 1  # one request, tried twice


def test_an_asynchronous_success_is_told_where_asked_for(deployed: Deployed) -> None:
    url, arn = deployed.queue()
    name = deployed.function("def handle(event, context): return event['n'] + 1")
    deployed.lambdas.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    deployed.lambdas.invoke(FunctionName=name, InvocationType="Event", Payload='{"n": 1}')
    (record,) = wait_until(lambda: deployed.messages(url))
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == 2


def test_a_dead_letter_queue_gets_the_event_itself(deployed: Deployed) -> None:
    url, arn = deployed.queue()
    name = deployed.function(
        "def handle(event, context): raise ValueError('no')", DeadLetterConfig={"TargetArn": arn}
    )
    deployed.lambdas.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    deployed.lambdas.invoke(FunctionName=name, InvocationType="Event", Payload='{"n": 7}')
    assert wait_until(lambda: deployed.messages(url)) == [{"n": 7}]
    told = deployed.lambdas.get_function_configuration(FunctionName=name)
    assert told["DeadLetterConfig"] == {"TargetArn": arn}
    assert told["Runtime"] == RUNTIME
