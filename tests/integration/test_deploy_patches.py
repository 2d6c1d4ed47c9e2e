"""What stock moto 5.2.5 gets wrong and the local cloud puts right."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


def unique() -> str:
    return f"p{uuid.uuid4().hex[:10]}"


def policy(bucket: str, **statement: Any) -> str:
    words: dict[str, Any] = {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}
    words |= {"Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [words | statement]})


@pytest.fixture
def bucket(cloud: Any) -> str:
    name = unique()
    cloud.client("s3").create_bucket(Bucket=name)
    return name


TLS = {"Bool": {"aws:SecureTransport": "false"}}
OWN = {"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}}
OTHER = {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({"Condition": TLS}, True),  # stock moto: 403, since it looks at no condition
        ({"Condition": OWN}, True),
        ({"Condition": OTHER}, False),
        ({"Principal": {"AWS": "arn:aws:iam::999999999999:root"}}, True),
        ({"Action": "s3:GetObject"}, True),
        ({}, False),
    ],
)
def test_bucket_policies_are_evaluated(
    cloud: Any, bucket: str, statement: Any, allowed: bool
) -> None:
    s3 = cloud.client("s3")
    text = policy(bucket, **statement)
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(text)
    if allowed:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    else:
        with pytest.raises(ClientError) as denied:
            s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        assert denied.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_condition_that_nobody_can_tell_is_refused(cloud: Any, bucket: str) -> None:
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    with pytest.raises(ClientError, match="aws:PrincipalOrgID can't be honoured"):
        cloud.client("s3").put_bucket_policy(
            Bucket=bucket, Policy=policy(bucket, Condition=condition)
        )


def test_glue_compares_versions(cloud: Any) -> None:
    glue, name = cloud.client("glue"), unique()
    glue.create_database(DatabaseInput={"Name": name})
    words = {"DatabaseName": name, "TableInput": {"Name": "t", "Parameters": {"n": "0"}}}
    glue.create_table(**words)
    version = glue.get_table(DatabaseName=name, Name="t")["Table"]["VersionId"]
    glue.update_table(**words, VersionId=version)
    with pytest.raises(glue.exceptions.ConcurrentModificationException):
        glue.update_table(**words, VersionId=version)
    assert len(glue.get_table_versions(DatabaseName=name, TableName="t")["TableVersions"]) == 2
    glue.update_table(**words, SkipArchive=True)
    assert len(glue.get_table_versions(DatabaseName=name, TableName="t")["TableVersions"]) == 2


def test_glue_loses_no_concurrent_update(cloud: Any) -> None:
    glue, name = cloud.client("glue"), unique()
    glue.create_database(DatabaseInput={"Name": name})
    start = {"Name": "t", "Parameters": {"n": "0"}}
    glue.create_table(DatabaseName=name, TableInput=start)

    def count() -> None:
        done = 0
        while done < 5:
            table = glue.get_table(DatabaseName=name, Name="t")["Table"]
            more = {"Name": "t", "Parameters": {"n": str(int(table["Parameters"]["n"]) + 1)}}
            try:
                glue.update_table(DatabaseName=name, TableInput=more, VersionId=table["VersionId"])
                done += 1
            except glue.exceptions.ConcurrentModificationException:
                continue

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert glue.get_table(DatabaseName=name, Name="t")["Table"]["Parameters"]["n"] == "20"


def test_named_queries_can_be_deleted(cloud: Any) -> None:
    athena = cloud.client("athena")
    words = {"Name": unique(), "Database": "d", "QueryString": "SELECT 1"}
    made = athena.create_named_query(**words)["NamedQueryId"]
    athena.delete_named_query(NamedQueryId=made)
    assert made not in athena.list_named_queries()["NamedQueryIds"]


def test_an_alarm_that_nobody_watches_is_not_ok(cloud: Any) -> None:
    cloudwatch, name = cloud.client("cloudwatch"), unique()
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="N",
        MetricName="M",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    assert found["StateValue"] == "INSUFFICIENT_DATA"


def test_roles_can_have_awss_own_policies(cloud: Any) -> None:
    iam, name = cloud.client("iam"), unique()
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    found = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert [each["PolicyArn"] for each in found] == [arn]
