"""Clusters, made by boto3 as a user would, and how they and their steps went."""

from __future__ import annotations

import gzip
import json
import urllib.request
from collections.abc import Iterable
from typing import Any

from tests.integration.conftest import Running
from tests.integration.deployed import unique, wait_until

OVER = ("TERMINATED", "TERMINATED_WITH_ERRORS")
DONE = ("COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED")


def step(*args: str, action: str = "CONTINUE", **more: Any) -> dict[str, Any]:
    """Give a StepConfig of command-runner.jar."""
    jar = {"Jar": "command-runner.jar", "Args": list(args)}
    return {"Name": "it", "ActionOnFailure": action, "HadoopJarStep": jar} | more


def group(role: str, **more: Any) -> dict[str, Any]:
    """Give an InstanceGroupConfig of one instance."""
    return {"InstanceRole": role, "InstanceType": "m6i.xlarge", "InstanceCount": 1} | more


class Clusters:
    """Makes clusters in a cloud that have roles and a bucket, and ends them."""

    def __init__(self, cloud: Running) -> None:
        self.cloud = cloud
        self.api, self.s3 = cloud.client("emr"), cloud.client("s3")
        self.name = unique("emr")
        iam = cloud.client("iam")
        iam.create_role(RoleName=self.name, AssumeRolePolicyDocument="{}")
        iam.create_instance_profile(InstanceProfileName=self.name)
        self.s3.create_bucket(Bucket=self.name)
        self._made: list[str] = []

    def request(self, keep: bool = True, **more: Any) -> dict[str, Any]:
        """Give a request of RunJobFlow."""
        instances = {"KeepJobFlowAliveWhenNoSteps": keep, "InstanceGroups": [group("MASTER")]}
        return {
            "Name": "it",
            "ReleaseLabel": "emr-7.13.0",
            "LogUri": f"s3://{self.name}/logs/",
            "JobFlowRole": self.name,
            "ServiceRole": self.name,
            "Applications": [{"Name": "Hadoop"}, {"Name": "Spark"}],
            "Instances": instances | more.pop("Instances", {}),
        } | more

    def run(self, *steps: dict[str, Any], keep: bool = True, **more: Any) -> str:
        """Make a cluster; give its id."""
        request = self.request(keep, **more) | ({"Steps": list(steps)} if steps else {})
        self._made.append(self.api.run_job_flow(**request)["JobFlowId"])
        return self._made[-1]

    def describe(self, cluster: str) -> dict[str, Any]:
        """Describe a cluster."""
        found: dict[str, Any] = self.api.describe_cluster(ClusterId=cluster)["Cluster"]
        return found

    def until(self, cluster: str, *states: str) -> dict[str, Any]:
        """Wait for a state; give the status."""
        wait_until(lambda: self.describe(cluster)["Status"]["State"] in states, 30)
        found: dict[str, Any] = self.describe(cluster)["Status"]
        return found

    def steps(self, cluster: str) -> list[dict[str, Any]]:
        """Describe all steps, the first first."""
        pages = self.api.get_paginator("list_steps").paginate(ClusterId=cluster)
        return [each for page in pages for each in page["Steps"]][::-1]

    def states(self, cluster: str) -> list[str]:
        """Give the states of all steps, the first first."""
        return [each["Status"]["State"] for each in self.steps(cluster)]

    def log(self, cluster: str, name: str) -> str:
        """Read a log."""
        got = self.s3.get_object(Bucket=self.name, Key=f"logs/{cluster}/{name}.gz")
        return gzip.decompress(got["Body"].read()).decode()

    def put(self, name: str, text: str) -> str:
        """Put a text into the bucket; give its URI."""
        self.s3.put_object(Bucket=self.name, Key=name, Body=text.encode())
        return f"s3://{self.name}/{name}"

    def advance(self, seconds: float) -> None:
        """Move the cloud's clock on."""
        body = json.dumps({"advance_s": seconds}).encode()
        asked = urllib.request.Request(f"{self.cloud.endpoint}/_localcloud/clock", data=body)
        with urllib.request.urlopen(asked) as answer:
            assert json.loads(answer.read())["now"] > 0

    def clean(self, more: Iterable[str] = ()) -> None:
        """End all clusters that are left."""
        for cluster in [*self._made, *more]:
            ids = [cluster]
            self.api.set_termination_protection(JobFlowIds=ids, TerminationProtected=False)
            self.api.terminate_job_flows(JobFlowIds=ids)
        for cluster in self._made:
            self.until(cluster, *OVER)


class Jobs:
    """Steps of one program on one cluster, and a folder of its bucket.

    Parameters
    ----------
    clusters : Clusters
    program : str
        What command-runner.jar is to run: ``hadoop-streaming`` or ``spark-submit``.
    """

    def __init__(self, clusters: Clusters, program: str) -> None:
        self.clusters, self.cluster = clusters, clusters.run()
        self.program, self.folder, self.id = program, unique("job"), ""

    def run(self, *args: str, patience_s: float = 180) -> dict[str, Any]:
        """Run a step to its end; give its status."""
        api = self.clusters.api
        given = [step(self.program, *args)]
        self.id = api.add_job_flow_steps(JobFlowId=self.cluster, Steps=given)["StepIds"][0]
        wait_until(lambda: self.status()["State"] in DONE, patience_s)
        return self.status()

    def status(self) -> dict[str, Any]:
        """Give the last step's status."""
        found: dict[str, Any] = self.clusters.api.describe_step(
            ClusterId=self.cluster, StepId=self.id
        )["Step"]["Status"]
        return found

    def uri(self, name: str) -> str:
        """Where something of this module's tests is."""
        return f"s3://{self.clusters.name}/{self.folder}/{name}"

    def put(self, name: str, body: bytes | str) -> str:
        """Store a file; give its URI."""
        data = body.encode() if isinstance(body, str) else body
        key = f"{self.folder}/{name}"
        self.clusters.s3.put_object(Bucket=self.clusters.name, Key=key, Body=data)
        return self.uri(name)

    def log(self, name: str) -> str:
        """Read one of the last step's logs."""
        return self.clusters.log(self.cluster, f"steps/{self.id}/{name}")

    def containers(self, name: str) -> list[str]:
        """Read a log of all containers of the cluster's last application, in their order."""
        prefix = f"logs/{self.cluster}/containers/"
        found = self.clusters.s3.list_objects_v2(Bucket=self.clusters.name, Prefix=prefix)
        keys = [each["Key"] for each in found["Contents"] if each["Key"].endswith(f"{name}.gz")]
        last = max(key.split("/")[3] for key in keys)
        return [self._text(key) for key in sorted(keys) if f"/{last}/" in key]

    def _text(self, key: str) -> str:
        got = self.clusters.s3.get_object(Bucket=self.clusters.name, Key=key)
        return gzip.decompress(got["Body"].read()).decode()
