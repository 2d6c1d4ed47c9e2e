"""The ways in and out of a VPC: internet gateway, its attachment, route tables and routes."""

from __future__ import annotations

from typing import Any

from localcloud.control.types.base import Here, Properties, Property, ResourceType, pick
from localcloud.control.types.ec2 import NO_NETWORK, gone, retag_ec2


class InternetGateway(ResourceType):
    """A gateway to the internet."""

    type = "AWS::EC2::InternetGateway"
    properties = {"Tags": Property("ec2:DescribeInternetGateways", ordered=False)}

    def create(self, here: Here, want: Properties) -> str:
        """Make the gateway."""
        made = here.client("ec2").create_internet_gateway()
        return str(made["InternetGateway"]["InternetGatewayId"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Set the tags."""
        retag_ec2(here, made, had, want)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the gateway; while it is attached, that is an error."""
        gone(here.client("ec2").delete_internet_gateway, InternetGatewayId=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the gateway."""
        return pick(_gateway(here, made), "Tags")

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The id."""
        return {"InternetGatewayId": made}


class GatewayAttachment(ResourceType):
    """The gateway of a VPC."""

    type = "AWS::EC2::VPCGatewayAttachment"
    properties = {
        "InternetGatewayId": Property(
            "ec2:DescribeInternetGateways", replaces=True, stored=NO_NETWORK
        ),
        "VpcId": Property("ec2:DescribeInternetGateways", replaces=True, stored=NO_NETWORK),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Attach the gateway."""
        words = pick(want, "InternetGatewayId", "VpcId")
        here.client("ec2").attach_internet_gateway(**words)
        return f"IGW|{want['VpcId']}"

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Detach the gateway."""
        words = pick(had, "InternetGatewayId", "VpcId")
        gone(here.client("ec2").detach_internet_gateway, **words)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Find the VPC among the gateway's attachments."""
        vpcs = [each["VpcId"] for each in _gateway(here, want["InternetGatewayId"])["Attachments"]]
        return pick(want, "InternetGatewayId", "VpcId") if want["VpcId"] in vpcs else {}


def _gateway(here: Here, made: str) -> Properties:
    found = here.client("ec2").describe_internet_gateways(InternetGatewayIds=[made])
    return dict(found["InternetGateways"][0])


class RouteTable(ResourceType):
    """A table of routes."""

    type = "AWS::EC2::RouteTable"
    properties = {
        "Tags": Property("ec2:DescribeRouteTables", ordered=False),
        "VpcId": Property("ec2:DescribeRouteTables", replaces=True),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the table."""
        made = here.client("ec2").create_route_table(VpcId=want["VpcId"])
        return str(made["RouteTable"]["RouteTableId"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Set the tags."""
        retag_ec2(here, made, had, want)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the table."""
        gone(here.client("ec2").delete_route_table, RouteTableId=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the table."""
        return pick(_table(here, made), "Tags", "VpcId")

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The id."""
        return {"RouteTableId": made}


class Route(ResourceType):
    """A route by which a table's packets leave."""

    type = "AWS::EC2::Route"
    properties = {
        "DestinationCidrBlock": Property("ec2:DescribeRouteTables", replaces=True),
        "GatewayId": Property("ec2:DescribeRouteTables", replaces=True, stored=NO_NETWORK),
        "RouteTableId": Property("ec2:DescribeRouteTables", replaces=True),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Add the route."""
        words = pick(want, "DestinationCidrBlock", "GatewayId", "RouteTableId")
        here.client("ec2").create_route(**words)
        return f"{want['RouteTableId']}|{want['DestinationCidrBlock']}"

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Take the route away."""
        words = pick(had, "DestinationCidrBlock", "RouteTableId")
        gone(here.client("ec2").delete_route, **words)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Find the route in its table."""
        table = _table(here, want["RouteTableId"])
        for route in table["Routes"]:
            if route.get("DestinationCidrBlock") == want["DestinationCidrBlock"]:
                return {**route, "RouteTableId": table["RouteTableId"]}
        return {}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """Where it leads to."""
        return {"CidrBlock": want["DestinationCidrBlock"]}


class RouteTableAssociation(ResourceType):
    """A subnet's route table."""

    type = "AWS::EC2::SubnetRouteTableAssociation"
    properties = {
        "RouteTableId": Property("ec2:DescribeRouteTables", replaces=True, stored=NO_NETWORK),
        "SubnetId": Property("ec2:DescribeRouteTables", replaces=True, stored=NO_NETWORK),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Give the subnet the table."""
        words = pick(want, "RouteTableId", "SubnetId")
        return str(here.client("ec2").associate_route_table(**words)["AssociationId"])

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Take the table from the subnet."""
        gone(here.client("ec2").disassociate_route_table, AssociationId=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Find the association in the table."""
        found: list[dict[str, Any]] = _table(here, want["RouteTableId"])["Associations"]
        mine = [each for each in found if each["RouteTableAssociationId"] == made]
        return pick(mine[0], "RouteTableId", "SubnetId") if mine else {}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The id."""
        return {"Id": made}


def _table(here: Here, made: str) -> Properties:
    found = here.client("ec2").describe_route_tables(RouteTableIds=[made])
    return dict(found["RouteTables"][0])
