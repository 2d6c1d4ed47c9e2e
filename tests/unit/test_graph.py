"""Stages run after what they need, and beside what they don't."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.graph import Node, Parallel, Series, arrange
from headrace.stages import StudyError


def graph(text: str) -> dict[str, frozenset[str]]:
    """Read `a b:a c:ab` as stages and what each needs."""
    pairs = (word.partition(":") for word in text.split())
    return {name: frozenset(needs) for name, _, needs in pairs}


def shown(node: Node) -> str:
    """Write steps as `a > b`, branches as `[a | b]`."""
    if isinstance(node, Series):
        return " > ".join(shown(step) for step in node.steps)
    if isinstance(node, Parallel):
        return f"[{' | '.join(shown(branch) for branch in node.branches)}]"
    return node


@pytest.mark.parametrize(
    ("needs", "order"),
    [
        ("a", "a"),
        ("a b:a c:b", "a > b > c"),
        ("c:b b:a a", "a > b > c"),
        ("a b", "[a | b]"),
        ("a b:a c", "[a > b | c]"),
        ("a b:a c d:bc", "[a > b | c] > d"),
        ("a b:a c:a d:bc", "a > [b | c] > d"),
        # What all wait for comes first, so that c waits for it alone.
        ("a b:a c:a d:b", "a > [b > d | c]"),
        # No steps one after another say this exactly: d needs no b, and waits for it.
        ("a b c:ab d:a", "[a | b] > [c | d]"),
        ("a b:a x y:x", "[a > b | x > y]"),
    ],
)
def test_stages_are_arranged_by_what_they_need(needs: str, order: str) -> None:
    assert shown(arrange(graph(needs))) == order


@pytest.mark.parametrize(
    ("needs", "who"),
    [("a:a", "a"), ("a:b b:a", "a, b"), ("a b:ac c:b", "b, c"), ("a:b b:a c:a", "a, b")],
)
def test_stages_that_wait_for_each_other_are_named(needs: str, who: str) -> None:
    with pytest.raises(StudyError, match=f"found that {who} wait for each other"):
        arrange(graph(needs))


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, frozenset[str]]:
    """Any graph without a circle, its stages written in any order."""
    names = [f"s{i}" for i in range(draw(st.integers(1, 9)))]
    needs = {
        name: draw(st.frozensets(st.sampled_from(names[:i])) if i else st.just(frozenset()))
        for i, name in enumerate(names)
    }
    return {name: needs[name] for name in draw(st.permutations(names))}


def before(node: Node) -> tuple[list[str], set[tuple[str, str]]]:
    """The stages of a node, and which of them end before which others begin."""
    if isinstance(node, str):
        return [node], set()
    inside = [before(part) for part in (node.steps if isinstance(node, Series) else node.branches)]
    stages = [stage for part, _ in inside for stage in part]
    pairs = {pair for _, part in inside for pair in part}
    if isinstance(node, Series):
        for i, (earlier, _) in enumerate(inside):
            pairs |= {(a, b) for later, _ in inside[i + 1 :] for a in earlier for b in later}
    return stages, pairs


@given(graphs())
def test_each_stage_runs_once_and_after_all_that_it_needs(
    needs: Mapping[str, frozenset[str]],
) -> None:
    stages, pairs = before(arrange(needs))
    assert sorted(stages) == sorted(needs)
    assert {(need, name) for name in needs for need in needs[name]} <= pairs


@given(graphs(), graphs())
def test_what_shares_nothing_never_waits(
    one: Mapping[str, frozenset[str]], other: Mapping[str, frozenset[str]]
) -> None:
    renamed = {f"x{n}": frozenset(f"x{m}" for m in needs) for n, needs in other.items()}
    _, pairs = before(arrange({**one, **renamed}))
    assert {(a, b) for a, b in pairs if (a in one) != (b in one)} == set()
