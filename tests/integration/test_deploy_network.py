"""A network and what instances get of IAM: deployed, read back, changed, and gone in order."""

from __future__ import annotations

from typing import Any

import pytest

TAGS = [{"Key": "a", "Value": "1"}]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def member(group: str, of: str, protocol: str = "tcp") -> dict[str, Any]:
    ends = {"FromPort": -1, "ToPort": -1} if protocol == "icmp" else {"FromPort": 0, "ToPort": 9}
    return resource(
        "AWS::EC2::SecurityGroupIngress",
        GroupId={"Fn::GetAtt": [group, "GroupId"]},
        SourceSecurityGroupId={"Fn::GetAtt": [of, "GroupId"]},
        IpProtocol=protocol,
        **ends,
    )


def network(**more: Any) -> dict[str, dict[str, Any]]:
    zone = {"Fn::Select": [1, {"Fn::GetAZs": ""}]}
    out = {"CidrIp": "0.0.0.0/0", "IpProtocol": "-1", "Description": "all"}
    vpc = {"CidrBlock": "10.9.0.0/16", "EnableDnsHostnames": True, "EnableDnsSupport": True}
    return {
        "Vpc": resource("AWS::EC2::VPC", **vpc, Tags=TAGS),
        "Gateway": resource("AWS::EC2::InternetGateway", Tags=TAGS),
        "Attached": resource(
            "AWS::EC2::VPCGatewayAttachment", InternetGatewayId=ref("Gateway"), VpcId=ref("Vpc")
        ),
        "Table": resource("AWS::EC2::RouteTable", VpcId=ref("Vpc"), Tags=TAGS),
        "Out": resource(
            "AWS::EC2::Route",
            RouteTableId=ref("Table"),
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId=ref("Gateway"),
        )
        | {"DependsOn": ["Attached"]},
        "Subnet": resource(
            "AWS::EC2::Subnet",
            VpcId=ref("Vpc"),
            CidrBlock="10.9.0.0/20",
            AvailabilityZone=zone,
            MapPublicIpOnLaunch=more.get("public", True),
            Tags=TAGS,
        ),
        "Routed": resource(
            "AWS::EC2::SubnetRouteTableAssociation",
            SubnetId=ref("Subnet"),
            RouteTableId=ref("Table"),
        ),
        "S3": resource(
            "AWS::EC2::VPCEndpoint",
            VpcId=ref("Vpc"),
            ServiceName={"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
            RouteTableIds=[ref("Table")],
            Tags=TAGS,
        ),
        "One": resource(
            "AWS::EC2::SecurityGroup",
            GroupDescription="one",
            VpcId=ref("Vpc"),
            SecurityGroupEgress=[out],
            SecurityGroupIngress=more.get("inbound", []),
            Tags=more.get("tags", TAGS),
        ),
        "Other": resource("AWS::EC2::SecurityGroup", GroupDescription="other", VpcId=ref("Vpc")),
        "OneFromOther": member("One", "Other"),
        "OtherFromOne": member("Other", "One"),
        "OtherFromOther": member("Other", "Other", "icmp"),
    }


def deploy(stacks: Any, name: str, resources: dict[str, Any]) -> dict[str, str]:
    outputs = {key: {"Value": ref(key)} for key in resources}
    found: dict[str, str] = stacks.deploy(name, {"Resources": resources, "Outputs": outputs})
    return found


def test_network(cloud: Any, stacks: Any) -> None:
    name, ec2 = stacks.new(), cloud.client("ec2")
    made = deploy(stacks, name, network())
    (subnet,) = ec2.describe_subnets(SubnetIds=[made["Subnet"]])["Subnets"]
    assert (subnet["AvailabilityZone"], subnet["MapPublicIpOnLaunch"]) == ("us-east-1b", True)
    (table,) = ec2.describe_route_tables(RouteTableIds=[made["Table"]])["RouteTables"]
    assert {r.get("GatewayId") for r in table["Routes"]} == {made["Gateway"], "local"} | (
        {made["S3"]} & {r.get("GatewayId") for r in table["Routes"]}
    )
    (one,) = ec2.describe_security_groups(GroupIds=[made["One"]])["SecurityGroups"]
    ((pair,),) = [p["UserIdGroupPairs"] for p in one["IpPermissions"]]
    assert pair["GroupId"] == made["Other"]

    inbound = [{"CidrIp": "10.0.0.0/8", "IpProtocol": "tcp", "FromPort": 1, "ToPort": 2}]
    again = deploy(stacks, name, network(public=False, inbound=inbound, tags=[]))
    assert again == made
    (subnet,) = ec2.describe_subnets(SubnetIds=[made["Subnet"]])["Subnets"]
    assert not subnet["MapPublicIpOnLaunch"]
    (one,) = ec2.describe_security_groups(GroupIds=[made["One"]])["SecurityGroups"]
    assert one.get("Tags", []) == []
    assert len(one["IpPermissions"]) == 2
    deploy(stacks, name, network(tags=[]))
    (one,) = ec2.describe_security_groups(GroupIds=[made["One"]])["SecurityGroups"]
    assert len(one["IpPermissions"]) == 1


def test_nothing_of_a_network_is_left(cloud: Any, stacks: Any) -> None:
    ec2 = cloud.client("ec2")

    def there() -> dict[str, int]:
        return {
            "vpcs": len(ec2.describe_vpcs()["Vpcs"]),
            "subnets": len(ec2.describe_subnets()["Subnets"]),
            "groups": len(ec2.describe_security_groups()["SecurityGroups"]),
            "tables": len(ec2.describe_route_tables()["RouteTables"]),
            "gateways": len(ec2.describe_internet_gateways()["InternetGateways"]),
            "endpoints": len(
                [
                    e
                    for e in ec2.describe_vpc_endpoints()["VpcEndpoints"]
                    if e["State"] not in ("deleted", "deleting")
                ]
            ),
        }

    before, name = there(), stacks.new()
    deploy(stacks, name, network())
    assert there()["vpcs"] == before["vpcs"] + 1
    stacks.delete(name)
    assert there() == before


def test_an_interface_endpoint_is_refused_by_name(cloud: Any, stacks: Any) -> None:
    parts = network()
    parts["S3"]["Properties"]["VpcEndpointType"] = "Interface"
    with pytest.raises(Exception, match="VpcEndpointType Interface"):
        deploy(stacks, stacks.new(), parts)


def test_an_instance_profile_hands_its_role_on(cloud: Any, stacks: Any) -> None:
    name, iam = stacks.new(), cloud.client("iam")
    roles = {key: resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST) for key in ("A", "B")}

    def profile(role: str) -> dict[str, Any]:
        return roles | {"P": resource("AWS::IAM::InstanceProfile", Roles=[ref(role)])}

    made = deploy(stacks, name, profile("A"))

    def told() -> list[str]:
        got = iam.get_instance_profile(InstanceProfileName=made["P"])["InstanceProfile"]
        return [role["RoleName"] for role in got["Roles"]]

    assert told() == [made["A"]]
    assert deploy(stacks, name, profile("B"))["P"] == made["P"]
    assert told() == [made["B"]]
    stacks.delete(name)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        told()
