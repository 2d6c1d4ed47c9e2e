"""Plans of stages whose job or program is a test's own file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from headrace.plan import Plan, plan_of
from headrace.study import Study


def plan_with(stage: Any, path: Path, seed: int = 25) -> Plan:
    """The plan of a study of one stage, whose program lies outside of the repository.

    A study can't say so: what is deployed lies in it.
    """
    plan = plan_of(Study("tests", "?", seed=seed, stages=[stage]))
    (planned,) = plan.stages
    name = "job" if hasattr(stage, "job") else "program"
    other = replace(stage)
    object.__setattr__(other, name, str(path))
    return replace(plan, stages=(replace(planned, stage=other),))
