"""The part of a run for which there is a cluster: the smallest that holds what needs one."""

from __future__ import annotations

from headrace.graph import Node, Parallel, Series


def stages_of(node: Node) -> list[str]:
    """Names of the stages in a part of the order, as they come."""
    if isinstance(node, str):
        return [node]
    parts = node.steps if isinstance(node, Series) else node.branches
    return [name for part in parts for name in stages_of(part)]


def part_of(node: Node, wanted: frozenset[str]) -> tuple[Node, Node]:
    """The order again, and the smallest part of it that holds all that are wanted.

    Steps of a series, or branches, that are only some of what stands there become a series or a
    parallel of their own. What needs what doesn't change.
    """
    if isinstance(node, str):
        return node, node
    parts = node.steps if isinstance(node, Series) else node.branches
    has = [i for i, part in enumerate(parts) if wanted & set(stages_of(part))]
    if len(has) == 1:
        inner, found = part_of(parts[has[0]], wanted)
        return type(node)((*parts[: has[0]], inner, *parts[has[0] + 1 :])), found
    if isinstance(node, Parallel):
        found = Parallel(tuple(parts[i] for i in has))
        rest = tuple(part for i, part in enumerate(parts) if i not in has)
        return (Parallel((found, *rest)), found) if rest else (node, node)
    first, last = has[0], has[-1]
    found = Series(parts[first : last + 1])
    if found == node:
        return node, node
    return Series((*parts[:first], found, *parts[last + 1 :])), found
