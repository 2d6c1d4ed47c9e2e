"""AWS::EC2::SecurityGroup and the rules that stand beside it."""

from __future__ import annotations

from typing import Any

from localcloud.control.types.base import Here, Properties, Property, ResourceType, changed, pick
from localcloud.control.types.ec2 import NO_NETWORK, gone, retag_ec2

READ = "ec2:DescribeSecurityGroups"
#: What a group lets out where its template says nothing:
#: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-securitygroup.html
ALL_OUT = [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]
#: A rule's words here, and whether a group's are inbound.
WAYS = {"SecurityGroupIngress": "ingress", "SecurityGroupEgress": "egress"}


class SecurityGroup(ResourceType):
    """A group of those that may talk to each other."""

    type = "AWS::EC2::SecurityGroup"
    properties = {
        "GroupDescription": Property(READ, replaces=True),
        "GroupName": Property(READ, replaces=True),
        "SecurityGroupEgress": Property(READ, ordered=False, stored=NO_NETWORK, default=ALL_OUT),
        "SecurityGroupIngress": Property(READ, ordered=False, stored=NO_NETWORK),
        "Tags": Property(READ, ordered=False),
        "VpcId": Property(READ, replaces=True),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the group, which lets all out and nothing in."""
        words = pick(want, "VpcId")
        made = here.client("ec2").create_security_group(
            GroupName=str(want.get("GroupName") or here.name(255)),
            Description=want["GroupDescription"],
            **words,
        )
        return str(made["GroupId"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Set the rules that changed, and the tags."""
        for name, way in WAYS.items():
            before = had.get(name, ALL_OUT if way == "egress" else [])
            after = want.get(name, ALL_OUT if way == "egress" else [])
            for rule in (r for r in before if r not in after):
                _call(here, "revoke", way, made, rule)
            for rule in (r for r in after if r not in before):
                _call(here, "authorize", way, made, rule)
        retag_ec2(here, made, had, want)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the group; while another's rules name it, that is an error."""
        gone(here.client("ec2").delete_security_group, GroupId=made)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the group, with those of its rules that are its own."""
        got = _group(here, made)
        found = pick(got, "GroupName", "Tags", "VpcId") | {"GroupDescription": got["Description"]}
        found["SecurityGroupEgress"] = _rules(got["IpPermissionsEgress"], "egress")
        inbound = _rules(got["IpPermissions"], "ingress")
        # Others' rules may have come in beside them.
        own = want.get("SecurityGroupIngress", [])
        found["SecurityGroupIngress"] = [r for r in inbound if any(_is(o, r) for o in own)]
        return found

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """Ids."""
        return {"GroupId": made, "Id": made, "VpcId": _group(here, made).get("VpcId")}


class _Rule(ResourceType):
    """One rule of a group."""

    way = ""
    other = ""

    def create(self, here: Here, want: Properties) -> str:
        """Add the rule; one that is there is an error."""
        told = _call(here, "authorize", self.way, want["GroupId"], want)
        return str(told["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Change the words that say what it is for."""
        if had and changed(had, want, "Description"):
            change = f"update_security_group_rule_descriptions_{self.way}"
            permissions = [_permission(want, self.way)]
            call = getattr(here.client("ec2"), change)
            call(GroupId=want["GroupId"], IpPermissions=permissions)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Take the rule away."""
        words = {"GroupId": had["GroupId"], "IpPermissions": [_permission(had, self.way)]}
        gone(getattr(here.client("ec2"), f"revoke_security_group_{self.way}"), **words)

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Find the rule in its group."""
        got = _group(here, want["GroupId"])
        permissions = got["IpPermissionsEgress" if self.way == "egress" else "IpPermissions"]
        for rule in _rules(permissions, self.way):
            if _is(want, rule):
                return {**rule, "GroupId": want["GroupId"]}
        return {}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The id."""
        return {"Id": made}


def _words(other: str) -> dict[str, Property]:
    replaced = ("CidrIp", "FromPort", "GroupId", "IpProtocol", "ToPort", other)
    return {
        **{name: Property(READ, replaces=True, stored=NO_NETWORK) for name in replaced},
        "Description": Property(READ),
    }


class Ingress(_Rule):
    """A rule that lets in."""

    type = "AWS::EC2::SecurityGroupIngress"
    way = "ingress"
    properties = _words("SourceSecurityGroupId")


class Egress(_Rule):
    """A rule that lets out."""

    type = "AWS::EC2::SecurityGroupEgress"
    way = "egress"
    properties = _words("DestinationSecurityGroupId")


def _other(way: str) -> str:
    return "DestinationSecurityGroupId" if way == "egress" else "SourceSecurityGroupId"


def _permission(rule: Properties, way: str) -> Properties:
    """A template's rule as the API takes it."""
    found: Properties = {"IpProtocol": str(rule["IpProtocol"])}
    found |= {name: int(rule[name]) for name in ("FromPort", "ToPort") if name in rule}
    said = pick(rule, "Description")
    if "CidrIp" in rule:
        found["IpRanges"] = [{"CidrIp": rule["CidrIp"], **said}]
    if _other(way) in rule:
        found["UserIdGroupPairs"] = [{"GroupId": rule[_other(way)], **said}]
    return found


def _rules(permissions: list[Properties], way: str) -> list[Properties]:
    """What the API gives as the rules of a template, one for each other end."""
    found = []
    for each in permissions:
        base = pick(each, "IpProtocol", "FromPort", "ToPort")
        for end in each.get("IpRanges", []):
            found.append(base | pick(end, "CidrIp", "Description"))
        for end in each.get("UserIdGroupPairs", []):
            found.append(base | {_other(way): end["GroupId"]} | pick(end, "Description"))
    return found


def _is(want: Properties, rule: Properties) -> bool:
    """Whether a rule that was read is the one that is wanted, whatever it is said to be for."""
    names = (want.keys() | rule.keys()) - {"Description", "GroupId"}
    return all(str(want.get(name)) == str(rule.get(name)) for name in names)


def _call(here: Here, verb: str, way: str, group: str, rule: Properties) -> Any:
    call = getattr(here.client("ec2"), f"{verb}_security_group_{way}")
    return call(GroupId=group, IpPermissions=[_permission(rule, way)])


def _group(here: Here, made: str) -> Properties:
    found = here.client("ec2").describe_security_groups(GroupIds=[made])
    return dict(found["SecurityGroups"][0])
