"""A cluster's network: the security groups that EMR wants, and the tag by which it may use it."""

from __future__ import annotations

from aws_cdk import Tags
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.cluster_parameters import EMR_TAG
from infra.network import Network

#: What EMR itself adds between its two groups:
#: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-man-sec-groups.html
_PROTOCOLS = (("tcp", 0, 65535), ("udp", 0, 65535), ("icmp", -1, -1))
_OUT = "S3, and packages of EMR"


class ClusterNetwork(Network):
    """A network with the security groups of a cluster.

    Examples
    --------
    >>> ClusterNetwork(stack, "Network").primary
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        nodes = "The core and task nodes of a cluster"
        self.primary = self.group(self, "Primary", "The primary node of a cluster", _OUT)
        self.workers = self.group(self, "Workers", nodes, _OUT)
        self._open_to_each_other()
        Tags.of(self).add(*EMR_TAG)

    def _open_to_each_other(self) -> None:
        """Let the groups' members reach each other.

        EMR would add the same rules, and leave them there: two groups that name each other in
        rules that CloudFormation doesn't know can't be deleted.
        """
        groups: dict[str, ec2.CfnSecurityGroup] = {"Primary": self.primary, "Workers": self.workers}
        for into, group in groups.items():
            for of, source in groups.items():
                for protocol, first, last in _PROTOCOLS:
                    ec2.CfnSecurityGroupIngress(
                        self,
                        f"{into}From{of}{protocol.capitalize()}",
                        group_id=group.attr_group_id,
                        source_security_group_id=source.attr_group_id,
                        ip_protocol=protocol,
                        from_port=first,
                        to_port=last,
                    )
