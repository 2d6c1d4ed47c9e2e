"""Tiny functions, put in place by boto3 as a user would, and what they saw."""

from __future__ import annotations

import base64
import contextlib
import io
import itertools
import json
import os
import platform
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.integration.conftest import Running

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
ROLE = "functions-under-test"

_count = itertools.count()

#: Before a handler's source: `saw(x)` keeps a JSON value where the test finds it.
SAW = """
import base64, boto3, json, os, time
s3 = boto3.client("s3")

def saw(value):
    key = f"{os.environ['SEEN']}/{time.time_ns()}-{os.getpid()}"
    s3.put_object(Bucket=os.environ["BUCKET"], Key=key, Body=json.dumps(value))
"""


def unique(word: str) -> str:
    """A name that no other test has."""
    return f"{word}-{os.getpid()}-{next(_count)}"


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """Zip files by their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def wait_until(true: Callable[[], Any], limit_s: float = 15) -> Any:
    """Wait for something that comes true, and give it."""
    deadline = time.monotonic() + limit_s
    while not (found := true()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.03)
    return found


@dataclass(frozen=True)
class Answer:
    """What an invocation gave."""

    payload: Any
    error: str | None
    log: str
    headers: dict[str, str]


class Deployed:
    """Makes functions in a cloud, and calls them."""

    def __init__(self, cloud: Running) -> None:
        self.cloud = cloud
        self.lambdas, self.s3 = cloud.client("lambda"), cloud.client("s3")
        self.bucket = "functions-saw"
        self._mappings: list[str] = []
        self.s3.create_bucket(Bucket=self.bucket)
        iam = cloud.client("iam")
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument="{}")
        self.role = f"arn:aws:iam::{cloud.account}:role/{ROLE}"

    def function(self, source: str, **settings: Any) -> str:
        """Make a function of one file whose handler is `handle`; give its name."""
        name = settings.pop("FunctionName", None) or unique("function")
        files = settings.pop("files", {"app.py": source})
        given = settings.pop("Environment", {}).get("Variables", {})
        variables = {"SEEN": name, "BUCKET": self.bucket} | given
        self.lambdas.create_function(
            FunctionName=name,
            Role=self.role,
            Code={"ZipFile": zipped(files)},
            Environment={"Variables": variables},
            **{"Handler": "app.handle", "Runtime": RUNTIME, "Architectures": [ARCHITECTURE]}
            | settings,
        )
        return name

    def invoke(self, name: str, event: Any = None, **words: Any) -> Answer:
        """Invoke and wait."""
        got = self.lambdas.invoke(
            FunctionName=name, Payload=json.dumps(event or {}), LogType="Tail", **words
        )
        return Answer(
            json.loads(got["Payload"].read()),
            got.get("FunctionError"),
            base64.b64decode(got["LogResult"]).decode(),
            got["ResponseMetadata"]["HTTPHeaders"],
        )

    def run(self, source: str, event: Any = None, **settings: Any) -> Answer:
        """Make a function and invoke it once."""
        return self.invoke(self.function(source, **settings), event)

    def seen(self, name: str) -> list[Any]:
        """What a function passed to `saw`, in order."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{name}/")
        keys = sorted(each["Key"] for each in listed.get("Contents", []))
        return [self.read(self.bucket, key) for key in keys]

    def read(self, bucket: str, key: str) -> Any:
        """A JSON object of a bucket."""
        return json.loads(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def queue(self, **attributes: str) -> tuple[str, str]:
        """Make a queue; give its URL and ARN."""
        sqs = self.cloud.client("sqs")
        name = unique("queue") + (".fifo" if attributes.get("FifoQueue") else "")
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, f"arn:aws:sqs:{self.cloud.region}:{self.cloud.account}:{name}"

    def messages(self, url: str) -> list[Any]:
        """Take the JSON bodies that are in a queue now, at most ten."""
        got = self.cloud.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(m["Body"]) for m in got.get("Messages", [])]

    def stream(self, shards: int = 1) -> tuple[str, str]:
        """Make a stream; give its name and ARN."""
        name = unique("stream")
        self.cloud.client("kinesis").create_stream(StreamName=name, ShardCount=shards)
        return name, f"arn:aws:kinesis:{self.cloud.region}:{self.cloud.account}:stream/{name}"

    def put(self, stream: str, *data: str, key: str = "k") -> list[str]:
        """Put records; give their sequence numbers."""
        got = self.cloud.client("kinesis").put_records(
            StreamName=stream,
            Records=[{"Data": each.encode(), "PartitionKey": key} for each in data],
        )
        return [each["SequenceNumber"] for each in got["Records"]]

    def map(self, function: str, arn: str, **settings: Any) -> str:
        """Map a stream or queue to a function; give the mapping's id."""
        if ":kinesis:" in arn:
            settings = {"StartingPosition": "TRIM_HORIZON"} | settings
        got = self.lambdas.create_event_source_mapping(
            FunctionName=function, EventSourceArn=arn, **settings
        )
        self._mappings.append(got["UUID"])
        return str(got["UUID"])

    def clean(self) -> None:
        """Delete the mappings: some would try for ever."""
        for uuid in self._mappings:
            with contextlib.suppress(self.lambdas.exceptions.ResourceNotFoundException):
                self.lambdas.delete_event_source_mapping(UUID=uuid)
