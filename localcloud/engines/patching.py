"""Puts methods of ours in the place of moto's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Method = Callable[..., Any]


def patch(owner: type, **methods: Any) -> None:
    """Replace methods of a class, or add them."""
    for name, method in methods.items():
        setattr(owner, name, method)


def wrap(owner: type, **wrappers: Callable[[Method], Method]) -> None:
    """Replace methods of a class by what each wrapper makes of the one that was there."""
    for name, wrapper in wrappers.items():
        setattr(owner, name, wrapper(getattr(owner, name)))
