"""mrjob's own EMR runner against the local cloud, with the configuration of `headrace env`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace import plan as plans
from headrace import target as targets
from headrace.cli import env_mrjob
from tests.integration.conftest import ROOT, Running

TEXT = "We the People of the United States\nin Order to form a more perfect Union\n" * 40
ROLES = env_mrjob.DEFAULT_ROLES.values()


@pytest.fixture(scope="module")
def conf(cloud: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The configuration, and the lake's bucket, with the account's default roles in place."""
    target = targets.local(cloud.endpoint)
    study = next(p for p in map(plans.load, plans.names()) if not p.emr)
    bucket = study.bucket(cloud.account, cloud.region)
    _default_roles(cloud.client("iam"))
    s3 = cloud.resource("s3").Bucket(bucket)
    made = not list(s3.meta.client.list_buckets(Prefix=bucket)["Buckets"])
    if made:
        s3.create()
    path = tmp_path_factory.mktemp("mrjob") / "mrjob.conf"
    yield env_mrjob.write(env_mrjob.configuration(target, study, ROOT / ".cache"), path), bucket
    if made:
        s3.objects.delete()
        s3.delete()


def _default_roles(iam: Any) -> None:
    service, profile = ROLES
    there = {role["RoleName"] for role in iam.list_roles()["Roles"]}
    for role, principal in ((service, "elasticmapreduce"), (profile, "ec2")):
        if role in there:
            continue
        said = {"Effect": "Allow", "Principal": {"Service": f"{principal}.amazonaws.com"}}
        policy = {"Version": "2012-10-17", "Statement": [{**said, "Action": "sts:AssumeRole"}]}
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(policy))
        if role == profile:
            iam.create_instance_profile(InstanceProfileName=profile)
            iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=profile)


def test_a_students_command_gives_the_most_used_word(
    cloud: Running, conf: tuple[Path, str], tmp_path: Path
) -> None:
    path, bucket = conf
    cloud.client("s3").put_object(Bucket=bucket, Key="files/people/we.txt", Body=TEXT.encode())
    job, where = ROOT / "emr_steps" / "top_words.py", f"s3://{bucket}/files/people/"
    done = subprocess.run(
        [sys.executable, str(job), "-r", "emr", where],
        env=cloud.environment | {"MRJOB_CONF": str(path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-4000:]
    word, count = Counter(re.findall(r"[\w']+", TEXT.lower())).most_common(1)[0]
    row = json.loads(done.stdout.split(b"\t")[1])
    assert row == {"word": word, "count": count, "rank": 1}


def test_mrjob_leaves_no_cluster(cloud: Running) -> None:
    active = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]
    found = cloud.client("emr").list_clusters(ClusterStates=active)["Clusters"]
    assert [each["Name"] for each in found if each["Name"].startswith("top_words.")] == []
