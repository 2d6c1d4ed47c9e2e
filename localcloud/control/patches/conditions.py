"""IAM conditions: those that can be told true from false on a laptop, and no others.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Callable
from typing import Any

from localcloud.cloud import Cloud


def context_of(cloud: Cloud) -> dict[str, str]:
    """What every request here has: its account, region and address, by lower-case key."""
    return {
        "aws:principalaccount": cloud.account,
        "aws:requestedregion": cloud.region,
        "aws:resourceaccount": cloud.account,
        "aws:sourceip": "127.0.0.1",
        "s3:resourceaccount": cloud.account,
    }


def like(value: str, pattern: str) -> bool:
    """Match a pattern with `*` and `?`."""
    translated = fnmatch.translate(pattern.replace("[", "[[]"))
    return re.match(translated, value) is not None


def _in_network(value: str, network: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": like,
    "IpAddress": _in_network,
}
NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NotIpAddress": "IpAddress",
}


def unknown(condition: dict[str, dict[str, Any]], context: dict[str, str]) -> str:
    """Name the first operator or key that can't be evaluated, or nothing."""
    for operator, keys in condition.items():
        plain = operator.removesuffix("IfExists")
        if plain not in OPERATORS and plain not in NEGATED:
            return operator
        for key in keys:
            if key.lower() not in context:
                return key
    return ""


def hold(condition: dict[str, dict[str, Any]], context: dict[str, str]) -> bool:
    """Whether every condition holds."""
    return all(
        _holds(operator.removesuffix("IfExists"), context[key.lower()], wanted)
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, value: str, wanted: Any) -> bool:
    texts = [str(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
    test = OPERATORS[NEGATED.get(operator, operator)]
    found = any(test(value, text) for text in texts)
    return found if operator not in NEGATED else not found
