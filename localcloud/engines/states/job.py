"""What there is to know of a service whose calls begin jobs, for states that call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Shape = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A service whose calls states can make.

    Parameters
    ----------
    long_name : str
        The service in causes of errors.
    error_name : str
        The service in names of errors.
    actions : frozenset of str
        The calls.
    sync : mapping
        Of each call that can end with `.sync`, how to follow it.
    wrapped : mapping
        The calls that are Step Functions' own, not the API's.
    """

    long_name: str
    error_name: str
    actions: frozenset[str]
    sync: Mapping[str, Followed] = field(default_factory=dict)
    wrapped: Mapping[str, Wrapped] = field(default_factory=dict)


class Submitted(Shape):
    """What a call answered; `asked` is what it was asked."""

    asked: Shape


@dataclass(frozen=True)
class Followed:
    """How a job is followed that a call began.

    Parameters
    ----------
    ask : callable
        Of the client and what the call answered: the action of the API whose answer describes
        the job, and that answer.
    state : callable
        The job's state in a description.
    succeeded, failed : frozenset of str
        The states that it ends in.
    cancel : callable
        Of the client and what the call answered.
    gives : callable
        What the task gives, of the description that has the field names of states; all of it,
        if nothing is said.
    """

    ask: Callable[[Any, Submitted], tuple[str, Shape]]
    state: Callable[[Shape], str]
    succeeded: frozenset[str]
    failed: frozenset[str]
    cancel: Callable[[Any, Submitted], Any]
    gives: Callable[[Shape], Shape] = lambda told: told


@dataclass(frozen=True)
class Wrapped:
    """A call that puts its parameters into one of the API's, and takes its answer out of that.

    Parameters
    ----------
    action : str
        The API's call.
    takes : frozenset of str
        Its parameters.
    asks, answers : callable
        The API's parameters of the call's own; its answer of the API's.
    """

    action: str
    takes: frozenset[str]
    asks: Callable[[Shape], Shape]
    answers: Callable[[Shape], Shape]
