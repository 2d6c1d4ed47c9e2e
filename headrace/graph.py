"""In which order stages run, derived from what each reads: what is independent runs side by side.

A graph of stages becomes steps one after another and branches side by side, since that is all
that a state machine can say. ::

    a ─▶ b ─▶ d         Series([Parallel([Series([a, b]), c]), d])
    c ────────▶ d
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headrace.stages import StudyError


@dataclass(frozen=True)
class Series:
    """Steps one after another."""

    steps: tuple[Node, ...]


@dataclass(frozen=True)
class Parallel:
    """Branches side by side; done when all are."""

    branches: tuple[Node, ...]


#: A stage's name, or several stages.
Node = str | Series | Parallel


def arrange(needs: Mapping[str, frozenset[str]]) -> Node:
    """Arrange stages by what they need.

    Parameters
    ----------
    needs : mapping
        Stage to the stages that it needs, each of which is a key too.

    Returns
    -------
    Node
        Each stage once, after all that it needs. Parts that share nothing are branches. Of a
        part that hangs together, the one that all others wait for comes first; where there is
        no such one, what nobody in it waits for comes last, side by side.

    Raises
    ------
    StudyError
        For stages that wait for each other.
    """
    parts = _components(needs)
    if len(parts) > 1:
        return Parallel(tuple(arrange(part) for part in parts))
    if len(needs) == 1:
        (only,) = needs
        if only in needs[only]:
            raise _circle(needs)
        return only
    roots = [name for name in needs if not needs[name]]
    if len(roots) == 1:
        rest = {name: needs[name] - {roots[0]} for name in needs if name != roots[0]}
        return _series(roots[0], arrange(rest))
    wanted = frozenset().union(*needs.values())
    last = {name: needs[name] for name in needs if name not in wanted}
    if not last:
        raise _circle(needs)
    first = {name: needs[name] for name in needs if name in wanted}
    ends = {name: frozenset[str]() for name in last}
    return _series(arrange(first), arrange(ends))


def _series(*nodes: Node) -> Series:
    steps: list[Node] = []
    for node in nodes:
        steps += node.steps if isinstance(node, Series) else [node]
    return Series(tuple(steps))


def _components(needs: Mapping[str, frozenset[str]]) -> list[dict[str, frozenset[str]]]:
    """Parts that share no edge, in the order in which their first stage is written."""
    near: dict[str, set[str]] = {name: set() for name in needs}
    for name, wanted in needs.items():
        for other in wanted & needs.keys():
            near[name].add(other)
            near[other].add(name)
    parts, seen = [], set[str]()
    for name in needs:
        if name in seen:
            continue
        part, todo = set[str](), [name]
        while todo:
            one = todo.pop()
            if one not in part:
                part.add(one)
                todo += near[one]
        seen |= part
        parts.append({n: needs[n] & frozenset(part) for n in needs if n in part})
    return parts


def _circle(needs: Mapping[str, frozenset[str]]) -> StudyError:
    return StudyError(
        f"While ordering the stages, found that {', '.join(sorted(needs))} wait for each other. "
        "Let one of them read a table that no stage makes."
    )
