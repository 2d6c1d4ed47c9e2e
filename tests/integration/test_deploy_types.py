"""Every resource type: deployed, read back by its service's own API, changed, reset, deleted."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from typing import Any

import pytest

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}
TAGS = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def deploy(stacks: Any, name: str, **resources: Any) -> dict[str, str]:
    outputs = {key: {"Value": {"Ref": key}} for key in resources}
    found: dict[str, str] = stacks.deploy(name, {"Resources": resources, "Outputs": outputs})
    return found


def test_bucket(cloud: Any, stacks: Any) -> None:
    name, s3 = stacks.new(), cloud.client("s3")
    rules = [
        {"Id": "a", "Status": "Enabled", "Prefix": "staged/", "ExpirationInDays": 30},
        {
            "Id": "b",
            "Status": "Enabled",
            "ExpiredObjectDeleteMarker": True,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        },
        {
            "Id": "c",
            "Status": "Disabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 90}],
            "TagFilters": [{"Key": "k", "Value": "v"}],
        },
    ]
    every = {
        "BucketName": name,
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
        "LifecycleConfiguration": {"Rules": rules},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "BlockPublicPolicy": True},
        "Tags": TAGS,
        "VersioningConfiguration": {"Status": "Enabled"},
    }
    denied = {
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "s3:*",
                "Resource": [{"Fn::GetAtt": ["B", "Arn"]}],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]
    }
    policy = resource("AWS::S3::BucketPolicy", Bucket={"Ref": "B"}, PolicyDocument=denied)
    deploy(stacks, name, B=resource("AWS::S3::Bucket", **every), P=policy)
    got = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert got[0]["Expiration"] == {"Days": 30}
    assert got[0]["Filter"] == {"Prefix": "staged/"}
    assert got[2]["Transitions"] == [{"Days": 90, "StorageClass": "GLACIER"}]
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"][
        "BlockPublicPolicy"
    ]
    s3.put_object(Bucket=name, Key="k", Body=b"x")

    # Versioning stays: objects on disk can't be suspended, and the deploy would say so.
    versioning = {"VersioningConfiguration": {"Status": "Enabled"}}
    deploy(stacks, name, B=resource("AWS::S3::Bucket", BucketName=name, **versioning))
    for gone in (
        s3.get_bucket_lifecycle_configuration,
        s3.get_bucket_encryption,
        s3.get_public_access_block,
        s3.get_bucket_tagging,
        s3.get_bucket_policy,
        s3.get_bucket_ownership_controls,
    ):
        with pytest.raises(s3.exceptions.ClientError):
            gone(Bucket=name)
    for each in s3.list_object_versions(Bucket=name)["Versions"]:
        s3.delete_object(Bucket=name, Key=each["Key"], VersionId=each["VersionId"])


def test_stream(cloud: Any, stacks: Any) -> None:
    name, kinesis = stacks.new(), cloud.client("kinesis")
    encryption = {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
    kind = "AWS::Kinesis::Stream"
    words = {"Name": name, "ShardCount": 2, "RetentionPeriodHours": 48, "Tags": TAGS}
    mode = {"StreamMode": "PROVISIONED"}
    made = resource(kind, **words, StreamEncryption=encryption, StreamModeDetails=mode)
    assert deploy(stacks, name, S=made) == {"S": name}

    def told() -> dict[str, Any]:
        found: dict[str, Any] = kinesis.describe_stream_summary(StreamName=name)[
            "StreamDescriptionSummary"
        ]
        return found

    assert (told()["RetentionPeriodHours"], told()["EncryptionType"]) == (48, "KMS")
    deploy(stacks, name, S=resource(kind, Name=name, ShardCount=2))
    assert (told()["RetentionPeriodHours"], told()["EncryptionType"]) == (24, "NONE")
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == []


def test_queues(cloud: Any, stacks: Any) -> None:
    name, sqs = stacks.new(), cloud.client("sqs")
    dead = resource("AWS::SQS::Queue", QueueName=f"{name}-dead.fifo", FifoQueue=True)
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 5}
    words = {
        "QueueName": f"{name}.fifo",
        "FifoQueue": True,
        "MessageRetentionPeriod": 1209600,
        "RedrivePolicy": redrive,
        "SqsManagedSseEnabled": True,
        "Tags": TAGS,
        "VisibilityTimeout": 1800,
    }
    url = deploy(stacks, name, Dead=dead, Q=resource("AWS::SQS::Queue", **words))["Q"]

    def told() -> dict[str, str]:
        return dict(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"])

    assert json.loads(told()["RedrivePolicy"])["maxReceiveCount"] == 5
    del words["RedrivePolicy"], words["MessageRetentionPeriod"], words["Tags"]
    deploy(stacks, name, Dead=dead, Q=resource("AWS::SQS::Queue", **words))
    assert "RedrivePolicy" not in told()
    assert told()["MessageRetentionPeriod"] == "345600"
    assert sqs.list_queue_tags(QueueUrl=url).get("Tags", {}) == {}


def test_topic(cloud: Any, stacks: Any) -> None:
    name, sns = stacks.new(), cloud.client("sns")
    topic = resource("AWS::SNS::Topic", TopicName=name, DisplayName="d", Tags=TAGS)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}
    policy = resource(
        "AWS::SNS::TopicPolicy", Topics=[{"Ref": "T"}], PolicyDocument={"Statement": [statement]}
    )
    arn = deploy(stacks, name, T=topic, P=policy)["T"]
    got = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert json.loads(got["Policy"])["Statement"] == [statement]
    deploy(stacks, name, T=resource("AWS::SNS::Topic", TopicName=name))
    got = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert got["DisplayName"] == ""
    assert json.loads(got["Policy"])["Id"] == "__default_policy_ID"


def test_catalogue_and_workgroup(cloud: Any, stacks: Any) -> None:
    name, glue, athena = stacks.new(), cloud.client("glue"), cloud.client("athena")

    def parts(limit: int | None, column: str, description: str) -> dict[str, Any]:
        configuration: dict[str, Any] = {
            "EnforceWorkGroupConfiguration": True,
            "EngineVersion": {"SelectedEngineVersion": "Athena engine version 3"},
            "ResultConfiguration": {
                "OutputLocation": "s3://x/y/",
                "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
            },
        }
        if limit:
            configuration["BytesScannedCutoffPerQuery"] = limit
        columns = [{"Name": "a", "Type": "int"}, {"Name": column, "Type": "string"}]
        table = {
            "Name": "t",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet"},
            "PartitionKeys": [{"Name": "day", "Type": "string"}],
            "StorageDescriptor": {"Columns": columns, "Location": "s3://x/t/"},
        }
        account = {"Ref": "AWS::AccountId"}
        return {
            "D": resource(
                "AWS::Glue::Database",
                CatalogId=account,
                DatabaseInput={"Name": name, "Description": description},
            ),
            "T": resource(
                "AWS::Glue::Table", CatalogId=account, DatabaseName={"Ref": "D"}, TableInput=table
            ),
            "W": resource(
                "AWS::Athena::WorkGroup",
                Name=name,
                Description=description,
                RecursiveDeleteOption=True,
                Tags=TAGS,
                WorkGroupConfiguration=configuration,
            ),
            "N": resource(
                "AWS::Athena::NamedQuery",
                Database={"Ref": "D"},
                Name=name,
                QueryString=f"SELECT {column} FROM t",
                WorkGroup={"Ref": "W"},
            ),
        }

    def configuration() -> dict[str, Any]:
        return dict(athena.get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"])

    first = deploy(stacks, name, **parts(10_000_000, "b", "one"))
    assert configuration()["BytesScannedCutoffPerQuery"] == 10_000_000
    second = deploy(stacks, name, **parts(20_000_000, "c", "two"))
    assert configuration()["BytesScannedCutoffPerQuery"] == 20_000_000
    assert glue.get_database(Name=name)["Database"]["Description"] == "two"
    table = glue.get_table(DatabaseName=name, Name="t")["Table"]
    assert table["StorageDescriptor"]["Columns"][1]["Name"] == "c"
    assert first["N"] != second["N"]
    assert athena.list_named_queries(WorkGroup=name)["NamedQueryIds"] == [second["N"]]
    deploy(stacks, name, **parts(None, "c", "two"))
    assert "BytesScannedCutoffPerQuery" not in configuration()


def test_logs_alarms_parameters(cloud: Any, stacks: Any) -> None:
    name, logs = stacks.new(), cloud.client("logs")
    words = {
        "AlarmDescription": "d",
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Dimensions": [{"Name": "QueueName", "Value": "q"}],
        "EvaluationPeriods": 1,
        "MetricName": "m",
        "Namespace": "AWS/SQS",
        "Period": 300,
        "Statistic": "Maximum",
        "Threshold": 1,
        "TreatMissingData": "notBreaching",
    }
    group = resource("AWS::Logs::LogGroup", LogGroupName=name, RetentionInDays=30, Tags=TAGS)
    alarm = resource("AWS::CloudWatch::Alarm", AlarmName=name, **words, Tags=TAGS)
    parameter = {"Name": f"/{name}", "Type": "String", "Value": "1", "Description": "d"}
    kept = resource("AWS::SSM::Parameter", **parameter, Tags={"a": "1"})
    deploy(stacks, name, G=group, A=alarm, P=kept)

    def days() -> Any:
        return logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0].get(
            "retentionInDays"
        )

    assert days() == 30
    alarm = resource("AWS::CloudWatch::Alarm", AlarmName=name, **(words | {"Threshold": 5}))
    group = resource("AWS::Logs::LogGroup", LogGroupName=name)
    kept = resource("AWS::SSM::Parameter", **(parameter | {"Value": "2"}))
    deploy(stacks, name, G=group, A=alarm, P=kept)
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    assert (days(), found["Threshold"]) == (None, 5.0)
    assert cloud.client("ssm").get_parameter(Name=f"/{name}")["Parameter"]["Value"] == "2"


def test_rights(cloud: Any, stacks: Any) -> None:
    name, iam = stacks.new(), cloud.client("iam")
    more = {"Version": "2012-10-17", "Statement": [{**RIGHTS["Statement"][0], "Sid": "x"}]}  # type: ignore[dict-item]
    reader = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    words = {"AssumeRolePolicyDocument": TRUST, "RoleName": name}
    role = resource(
        "AWS::IAM::Role",
        **words,
        Description="d",
        ManagedPolicyArns=[reader],
        Policies=[{"PolicyName": "own", "PolicyDocument": RIGHTS}],
        Tags=TAGS,
    )
    policy = resource(
        "AWS::IAM::Policy", PolicyName="hung", PolicyDocument=RIGHTS, Roles=[{"Ref": "R"}]
    )
    managed = resource("AWS::IAM::ManagedPolicy", PolicyDocument=RIGHTS, Roles=[{"Ref": "R"}])
    arn = deploy(stacks, name, R=role, P=policy, M=managed)["M"]
    assert set(iam.list_role_policies(RoleName=name)["PolicyNames"]) == {"own", "hung"}
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert {each["PolicyArn"] for each in attached} == {reader, arn}
    policy["Properties"]["PolicyDocument"] = managed["Properties"]["PolicyDocument"] = more
    deploy(stacks, name, R=resource("AWS::IAM::Role", **words), P=policy, M=managed)
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["hung"]
    got = iam.get_role_policy(RoleName=name, PolicyName="hung")["PolicyDocument"]
    assert got["Statement"][0]["Sid"] == "x"
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert [each["PolicyArn"] for each in attached] == [arn]
    assert iam.list_role_tags(RoleName=name)["Tags"] == []


def test_registry_and_keys(cloud: Any, stacks: Any) -> None:
    name, ecr = stacks.new(), cloud.client("ecr")
    key = resource("AWS::KMS::Key", KeyPolicy=RIGHTS, EnableKeyRotation=True, Description="d")
    alias = resource("AWS::KMS::Alias", AliasName=f"alias/{name}", TargetKeyId={"Ref": "K"})
    words = {"RepositoryName": name, "ImageTagMutability": "IMMUTABLE", "Tags": TAGS}
    made = resource("AWS::ECR::Repository", **words, RepositoryPolicyText=RIGHTS)
    deploy(stacks, name, K=key, A=alias, E=made)
    told = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    assert told["imageTagMutability"] == "IMMUTABLE"
    deploy(stacks, name, K=key, A=alias, E=resource("AWS::ECR::Repository", RepositoryName=name))
    told = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    assert told["imageTagMutability"] == "MUTABLE"
    with pytest.raises(ecr.exceptions.RepositoryPolicyNotFoundException):
        ecr.get_repository_policy(repositoryName=name)


def zipped(text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("index.py", text)
        archive.writestr("python/x.py", text)
    return file.getvalue()


def test_function_layer_and_mapping(cloud: Any, stacks: Any) -> None:
    name, api, s3 = stacks.new(), cloud.client("lambda"), cloud.client("s3")
    s3.create_bucket(Bucket=f"{name}-code")
    for which in ("1", "2"):
        s3.put_object(
            Bucket=f"{name}-code",
            Key=which,
            Body=zipped(f"def handler(event, context):\n    return {which}\n"),
        )

    def parts(which: str, batch: int, **settings: Any) -> dict[str, Any]:
        code = {"S3Bucket": f"{name}-code", "S3Key": which}
        function = {
            "FunctionName": name,
            "Code": code,
            "Handler": "index.handler",
            "Layers": [{"Ref": "L"}],
            "LoggingConfig": {"LogGroup": {"Ref": "G"}},
            "Role": {"Fn::GetAtt": ["R", "Arn"]},
            "Runtime": RUNTIME,
            **settings,
        }
        mapping = {
            "BatchSize": batch,
            "BisectBatchOnFunctionError": True,
            "DestinationConfig": {"OnFailure": {"Destination": f"arn:aws:s3:::{name}-code"}},
            "EventSourceArn": {"Fn::GetAtt": ["S", "Arn"]},
            "FunctionName": {"Fn::GetAtt": ["F", "Arn"]},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "MaximumBatchingWindowInSeconds": 1,
            "MaximumRetryAttempts": 3,
            "StartingPosition": "TRIM_HORIZON",
        }
        layer = {"Content": code, "CompatibleRuntimes": [RUNTIME], "LayerName": name}
        return {
            "R": resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST),
            "G": resource("AWS::Logs::LogGroup", LogGroupName=f"/aws/lambda/{name}"),
            "L": resource("AWS::Lambda::LayerVersion", **layer),
            "S": resource("AWS::Kinesis::Stream", Name=name, ShardCount=1),
            "F": resource("AWS::Lambda::Function", **function),
            "M": resource("AWS::Lambda::EventSourceMapping", **mapping),
            "P": resource(
                "AWS::Lambda::Permission",
                Action="lambda:InvokeFunction",
                FunctionName={"Ref": "F"},
                Principal="s3.amazonaws.com",
                SourceArn=f"arn:aws:s3:::{name}-code",
            ),
        }

    def invoke() -> Any:
        return json.loads(api.invoke(FunctionName=name)["Payload"].read())

    every = {"MemorySize": 256, "Timeout": 9, "Environment": {"Variables": {"A": "b"}}}
    first = deploy(stacks, name, **parts("1", 10, **every, Tags=TAGS))
    told = api.get_function_configuration(FunctionName=name)
    assert (told["MemorySize"], told["Timeout"]) == (256, 9)
    assert invoke() == 1
    assert api.get_event_source_mapping(UUID=first["M"])["BatchSize"] == 10

    second = deploy(stacks, name, **parts("2", 20, MemorySize=512))
    told = api.get_function_configuration(FunctionName=name)
    assert (told["MemorySize"], told["Timeout"]) == (512, 3)
    assert not told.get("Environment", {}).get("Variables")
    assert invoke() == 2
    assert second["M"] == first["M"]
    assert api.get_event_source_mapping(UUID=first["M"])["BatchSize"] == 20
    assert second["L"] != first["L"]  # a layer's versions never change
    assert [each["Arn"] for each in told["Layers"]] == [second["L"]]
    stacks.delete(name)
    with pytest.raises(api.exceptions.ResourceNotFoundException):
        api.get_function(FunctionName=name)
    assert api.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []


def test_metadata(stacks: Any) -> None:
    deploy(stacks, stacks.new(), M=resource("AWS::CDK::Metadata", Analytics="v2:deflate64:x"))
