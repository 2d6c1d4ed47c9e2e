"""A study with stages on a cluster, deployed as a user would, and gone without a trace."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.conftest import PROJECT, House, build

STUDY = """
from dataclasses import dataclass
from headrace.study import MapReduce, Spark, Study, Table

@dataclass(frozen=True)
class Page:
    url: str
    text: str

@dataclass(frozen=True)
class Top:
    word: str
    count: int
    rank: int

@dataclass(frozen=True)
class Rank:
    vertex: str
    pagerank: float

study = Study(
    name="passing",
    question="Which words?",
    tables=[Table("pages", Page)],
    stages=[
        MapReduce("tops", "emr_steps/top_words.py", "SELECT text FROM pages", Top,
                  params={"text": "text"}),
        Spark("ranks", "emr_steps/graph.py", "s3://{lake}/files/edges/", Rank,
              params={"format": "edges"}),
    ],
)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    root = tmp_path_factory.mktemp("passing")
    built = build(root)
    try:
        shutil.copytree(PROJECT / "emr_steps", root / "emr_steps", dirs_exist_ok=True)
        folder = root / "studies" / "passing"
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "study.py").write_text(STUDY)
        yield built
    finally:
        built.headrace("down", check=False)


def there(house: House) -> dict[str, list[str]]:
    """What stands of network and rights, by its ids."""
    ec2, iam = house.client("ec2"), house.client("iam")
    lists: dict[str, list[Any]] = {
        "VpcId": ec2.describe_vpcs()["Vpcs"],
        "SubnetId": ec2.describe_subnets()["Subnets"],
        "GroupId": ec2.describe_security_groups()["SecurityGroups"],
        "RouteTableId": ec2.describe_route_tables()["RouteTables"],
        "InternetGatewayId": ec2.describe_internet_gateways()["InternetGateways"],
        "InstanceProfileName": iam.list_instance_profiles()["InstanceProfiles"],
        "RoleName": [r for r in iam.list_roles()["Roles"] if "passing-data" not in r["RoleName"]],
    }
    return {key: sorted(each[key] for each in many) for key, many in lists.items()}


def exists(house: House, uri: str) -> bool:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bool(house.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"])


def test_a_cluster_study_is_deployed_and_leaves_nothing(house: House) -> None:
    before = there(house)
    told = house.headrace("deploy", "passing")
    assert "AWS::EC2::SecurityGroupIngress" in told.stdout + told.stderr
    machines = house.client("stepfunctions")
    (arn,) = [m["stateMachineArn"] for m in machines.list_state_machines()["stateMachines"]]
    document = json.loads(machines.describe_state_machine(stateMachineArn=arn)["definition"])
    asked = document["States"]["cluster: create"]["Parameters"]
    now = there(house)
    instances = asked["Instances"]
    assert instances["Ec2SubnetId"] in now["SubnetId"]
    assert instances["EmrManagedMasterSecurityGroup"] in now["GroupId"]
    assert asked["JobFlowRole"] in now["InstanceProfileName"]
    assert asked["ServiceRole"] in now["RoleName"]
    branches = next(s for s in document["States"].values() if s["Type"] == "Parallel")["Branches"]
    states = {name: s for branch in branches for name, s in branch["States"].items()}
    for stage in ("tops", "ranks"):
        program = states[f"{stage}: prepare"]["Parameters"]["Payload"]["program"]
        assert exists(house, program["file"])
        assert exists(house, program["archive"])
    house.headrace("destroy", "passing", "--yes")
    assert there(house) == before
