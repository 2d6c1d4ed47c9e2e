"""The network that computing hosts are in: two public subnets, and no way in.

Public, since a NAT gateway costs 33 dollars a month before a byte went through it. Hosts have
addresses of the internet for what AWS itself fetches there, and security groups that let in
nobody but each other. What goes to S3, which is nearly all, goes through a gateway that costs
nothing.
"""

from __future__ import annotations

from aws_cdk import Aws, CfnTag, Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.nag import acknowledge

_RANGE = "10.70.0.0/16"
#: By their place in the list of the region's zones, which CloudFormation alone knows: asked of
#: the account at synth, they would have to be kept in a file.
_SUBNETS = ("10.70.0.0/20", "10.70.16.0/20")
_ANYWHERE = "0.0.0.0/0"


class Network(Construct):
    """A VPC with its subnets and gateways.

    Plain resources: the construct of a higher level looks zones up in the account, and closes the
    default security group by a function of its own. Nothing of ours is ever in that group, which
    lets in its own members only.

    Examples
    --------
    >>> Network(stack, "Network").subnets
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.vpc = ec2.CfnVPC(
            self,
            "Vpc",
            cidr_block=_RANGE,
            # EMR's nodes find each other by name:
            # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-vpc-host-job-flows.html
            enable_dns_hostnames=True,
            enable_dns_support=True,
        )
        table = self._routes()
        self._subnets = [self._subnet(n, block, table) for n, block in enumerate(_SUBNETS)]
        ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=self.vpc.ref,
            service_name=f"com.amazonaws.{Aws.REGION}.s3",
            route_table_ids=[table.ref],
        )
        acknowledge(
            self.vpc,
            "AwsSolutions-VPC7",
            "Nodes stand for the minutes of a run and let in nobody from outside, so that a log of "
            "flows would tell of what they themselves asked S3 for, at half a dollar a GB. What "
            "they read and wrote is in the run's own facts.",
        )

    @property
    def subnets(self) -> list[str]:
        """Ids of the subnets, each in a zone of its own."""
        return [subnet.ref for subnet in self._subnets]

    def group(self, scope: Construct, id_: str, description: str, out: str) -> ec2.CfnSecurityGroup:
        """A security group of this network, which lets nothing in, and out for what `out` says."""
        return ec2.CfnSecurityGroup(
            scope,
            id_,
            group_description=description,
            vpc_id=self.vpc.ref,
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="-1", cidr_ip=_ANYWHERE, description=out
                )
            ],
            tags=[CfnTag(key="Name", value=description)],
        )

    def _routes(self) -> ec2.CfnRouteTable:
        gateway = ec2.CfnInternetGateway(self, "Gateway")
        attached = ec2.CfnVPCGatewayAttachment(
            self, "Attached", vpc_id=self.vpc.ref, internet_gateway_id=gateway.ref
        )
        table = ec2.CfnRouteTable(self, "Routes", vpc_id=self.vpc.ref)
        #: The way out, which must stand while hosts do: a gateway can't be detached before.
        self.out = ec2.CfnRoute(
            self,
            "Out",
            route_table_id=table.ref,
            destination_cidr_block=_ANYWHERE,
            gateway_id=gateway.ref,
        )
        self.out.add_resource_dependency(attached)
        return table

    def _subnet(self, number: int, block: str, table: ec2.CfnRouteTable) -> ec2.CfnSubnet:
        subnet = ec2.CfnSubnet(
            self,
            f"Subnet{number}",
            vpc_id=self.vpc.ref,
            cidr_block=block,
            availability_zone=Fn.select(number, Fn.get_azs()),
            map_public_ip_on_launch=True,
        )
        ec2.CfnSubnetRouteTableAssociation(
            self, f"Routed{number}", subnet_id=subnet.ref, route_table_id=table.ref
        )
        return subnet
