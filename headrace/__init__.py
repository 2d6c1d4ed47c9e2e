"""Headrace: large-scale computing for social scientists, from a laptop to AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.executor_open import executor

__all__ = ["executor"]


def __getattr__(name: str) -> Any:
    """Give `executor` when it is asked for: importing headrace alone imports nothing else."""
    if name == "executor":
        from headrace.executor_open import executor

        return executor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
