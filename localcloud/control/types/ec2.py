"""AWS::EC2::VPC, its subnets and endpoints; see also `ec2_routes` and `ec2_groups`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localcloud.control.errors import Refused
from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    changed,
    missing,
    pick,
    retag,
    tag_list,
)

NO_NETWORK = "nothing is routed or filtered; what runs is on this machine"


def retag_ec2(here: Here, made: str, had: Properties, want: Properties) -> None:
    """Bring the tags of a resource of EC2 to what the template says."""
    client = here.client("ec2")
    retag(
        had,
        want,
        lambda keys: client.delete_tags(Resources=[made], Tags=[{"Key": key} for key in keys]),
        lambda tags: client.create_tags(Resources=[made], Tags=tag_list(tags)),
    )


def gone(call: Callable[..., Any], **words: Any) -> None:
    """Delete something that may be deleted already."""
    try:
        call(**words)
    except ClientError as fault:
        if not missing(fault):
            raise


def true(value: Any) -> bool:
    """A template's boolean, which may be a text."""
    return str(value).lower() == "true"


class Vpc(ResourceType):
    """A virtual private cloud."""

    type = "AWS::EC2::VPC"
    properties = {
        "CidrBlock": Property("ec2:DescribeVpcs", replaces=True, stored=NO_NETWORK),
        "EnableDnsHostnames": Property("ec2:DescribeVpcAttribute", stored=NO_NETWORK),
        "EnableDnsSupport": Property("ec2:DescribeVpcAttribute", stored=NO_NETWORK, default=True),
        "InstanceTenancy": Property("ec2:DescribeVpcs", replaces=True, stored=NO_NETWORK),
        "Tags": Property("ec2:DescribeVpcs", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the VPC."""
        made = here.client("ec2").create_vpc(**pick(want, "CidrBlock", "InstanceTenancy"))
        return str(made["Vpc"]["VpcId"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Set what changed."""
        client = here.client("ec2")
        for name, default in (("EnableDnsSupport", True), ("EnableDnsHostnames", False)):
            if changed(had, want, name):
                value = {"Value": true(want.get(name, default))}
                client.modify_vpc_attribute(VpcId=made, **{name: value})
        retag_ec2(here, made, had, want)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the VPC; what is still in it is an error."""
        gone(here.client("ec2").delete_vpc, VpcId=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the VPC."""
        client = here.client("ec2")
        found = dict(client.describe_vpcs(VpcIds=[made])["Vpcs"][0])
        for name in ("EnableDnsHostnames", "EnableDnsSupport"):
            word = name[:1].lower() + name[1:]
            told = client.describe_vpc_attribute(VpcId=made, Attribute=word)
            found[name] = told[name]["Value"]
        return found

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """Id, addresses and the default security group."""
        client = here.client("ec2")
        got = client.describe_vpcs(VpcIds=[made])["Vpcs"][0]
        default = _of_vpc(client.describe_security_groups, made, {"group-name": "default"})
        return {
            "CidrBlock": got["CidrBlock"],
            "DefaultSecurityGroup": default["SecurityGroups"][0]["GroupId"],
            "VpcId": made,
        }


class Subnet(ResourceType):
    """A subnet in one zone."""

    type = "AWS::EC2::Subnet"
    properties = {
        "AvailabilityZone": Property("ec2:DescribeSubnets", replaces=True, stored=NO_NETWORK),
        "CidrBlock": Property("ec2:DescribeSubnets", replaces=True, stored=NO_NETWORK),
        "MapPublicIpOnLaunch": Property("ec2:DescribeSubnets", stored=NO_NETWORK),
        "Tags": Property("ec2:DescribeSubnets", ordered=False),
        "VpcId": Property("ec2:DescribeSubnets", replaces=True),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the subnet; addresses that are taken are an error."""
        words = pick(want, "AvailabilityZone", "CidrBlock", "VpcId")
        return str(here.client("ec2").create_subnet(**words)["Subnet"]["SubnetId"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Set what changed."""
        if changed(had, want, "MapPublicIpOnLaunch"):
            value = {"Value": true(want.get("MapPublicIpOnLaunch", False))}
            here.client("ec2").modify_subnet_attribute(SubnetId=made, MapPublicIpOnLaunch=value)
        retag_ec2(here, made, had, want)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the subnet."""
        gone(here.client("ec2").delete_subnet, SubnetId=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the subnet."""
        return dict(here.client("ec2").describe_subnets(SubnetIds=[made])["Subnets"][0])

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """Ids, zone and addresses."""
        got = here.client("ec2").describe_subnets(SubnetIds=[made])["Subnets"][0]
        return pick(got, "AvailabilityZone", "CidrBlock", "SubnetId", "VpcId")


class VpcEndpoint(ResourceType):
    """A gateway to a service's own addresses."""

    type = "AWS::EC2::VPCEndpoint"
    properties = {
        "RouteTableIds": Property(
            "ec2:DescribeVpcEndpoints", ordered=False, replaces=True, stored=NO_NETWORK
        ),
        "ServiceName": Property("ec2:DescribeVpcEndpoints", replaces=True, stored=NO_NETWORK),
        "Tags": Property("ec2:DescribeVpcEndpoints", ordered=False),
        "VpcEndpointType": Property("ec2:DescribeVpcEndpoints", replaces=True),
        "VpcId": Property("ec2:DescribeVpcEndpoints", replaces=True),
    }

    def check(self, here: Here, want: Properties) -> None:
        """Refuse all but gateways: an interface has addresses of its own."""
        super().check(here, want)
        if want.get("VpcEndpointType", "Gateway") not in ("Gateway", None):
            raise Refused.of(f"{self.type} VpcEndpointType {want['VpcEndpointType']}")

    def create(self, here: Here, want: Properties) -> str:
        """Make the endpoint."""
        words = pick(want, "RouteTableIds", "ServiceName", "VpcId")
        made = here.client("ec2").create_vpc_endpoint(VpcEndpointType="Gateway", **words)
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Set the tags."""
        retag_ec2(here, made, had, want)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the endpoint."""
        gone(here.client("ec2").delete_vpc_endpoints, VpcEndpointIds=[made])

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the endpoint."""
        return _endpoint(here, made)

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The id."""
        return {"Id": made}


def _endpoint(here: Here, made: str) -> Properties:
    found = here.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[made])
    return dict(found["VpcEndpoints"][0])


def _of_vpc(describe: Callable[..., Any], vpc: str, more: Mapping[str, str]) -> Properties:
    filters = {"vpc-id": vpc, **more}
    found: Properties = describe(
        Filters=[{"Name": name, "Values": [value]} for name, value in filters.items()]
    )
    return found
