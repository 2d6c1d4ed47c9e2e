"""Nodes of multi-node parallel jobs: their ranges, and whether each node is in one.

https://docs.aws.amazon.com/batch/latest/APIReference/API_NodeProperties.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localcloud.engines.batch import container_checks
from localcloud.engines.batch.errors import only, request

MOST_NODES, MOST_RANGES = 1000, 5
_RANGE = re.compile(r"(\d*)(:?)(\d*)")


def check(given: Mapping[str, Any], region: str) -> None:
    """Check nodeProperties.

    Raises
    ------
    ClientException
    """
    ranges = given["nodeRangeProperties"]
    if not 1 <= len(ranges) <= MOST_RANGES:
        raise request(f"There can be 1 to {MOST_RANGES} node ranges; found {len(ranges)}.")
    for each in ranges:
        only(
            each,
            frozenset({"targetNodes", "container", "instanceTypes"}),
            "nodeRangeProperties",
            "Give a container.",
        )
        if not each.get("container"):
            raise request("A node range needs a container.")
        container_checks.check(each["container"], False, region, "container")
        container_checks.check_size(each["container"], False)
    check_cover(given)


def check_cover(given: Mapping[str, Any]) -> None:
    """Check that there is a main node, and a range for each node.

    Raises
    ------
    ClientException
    """
    count, main = given["numNodes"], given["mainNode"]
    if not 1 <= count <= MOST_NODES:
        raise request(f"numNodes must be between 1 and {MOST_NODES}; found {count}.")
    if not 0 <= main < count:
        raise request(f"mainNode must be less than numNodes ({count}); found {main}.")
    covered: set[int] = set()
    for each in given["nodeRangeProperties"]:
        covered |= set(within(each["targetNodes"], count))
    if missing := sorted(set(range(count)) - covered):
        raise request(f"All nodes must be in a node range; node {missing[0]} is in none.")


def within(target: str, count: int) -> range:
    """The nodes that `targetNodes` names, of so many; `2` is one node, `3:` all from the third.

    Raises
    ------
    ClientException
    """
    found = _RANGE.fullmatch(target)
    if not found or target == "":
        raise request(f"targetNodes must look like 0:3, 3: or :5; found {target!r}.")
    first = int(found[1] or 0)
    last = int(found[3]) if found[3] else (count - 1 if found[2] else first)
    if last < first or last >= count:
        raise request(f"targetNodes {target} is not within the {count} nodes.")
    return range(first, last + 1)
