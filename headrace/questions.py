"""A study's queries, and what is answered to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from headrace.plan import Plan
from headrace.sql import Answer
from headrace.study import Query, Stage


@dataclass(frozen=True)
class Asked:
    """A query of the study with its SQL and what was answered."""

    query: Query
    sql: str
    answer: Answer


def sql_of(plan: Plan, query: Stage) -> str:
    """The text of a stage: its own, or that of the file in the study's folder that it names."""
    return plan.stage(query.name).sql


def ask(plan: Plan, query: Query, run: Callable[[str], Answer]) -> Asked:
    """Ask a query of a study."""
    sql = sql_of(plan, query)
    return Asked(query, sql, run(sql))
