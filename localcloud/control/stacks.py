"""The records of CloudFormation: stacks, their resources, events, outputs and change sets."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass, field
from typing import Any

from localcloud.control.template import EMPTY, Template

IN_PROGRESS = "_IN_PROGRESS"


def now() -> datetime.datetime:
    """The time, as APIs tell it."""
    return datetime.datetime.now(datetime.UTC)


@dataclass
class Resource:
    """A resource that exists."""

    logical_id: str
    type: str
    physical_id: str
    properties: dict[str, Any]
    definition: dict[str, Any]
    depends: frozenset[str] = frozenset()
    data: dict[str, Any] = field(default_factory=dict)
    status: str = "CREATE_COMPLETE"
    reason: str = ""
    updated: datetime.datetime = field(default_factory=now)
    tried: dict[str, Any] = field(default_factory=dict)  # by an update that failed and was kept


@dataclass(frozen=True)
class Event:
    """One line of a stack's history."""

    stack_id: str
    stack_name: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str = ""
    time: datetime.datetime = field(default_factory=now)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class Output:
    """An output of a stack, perhaps exported."""

    key: str
    value: str
    description: str = ""
    export: str = ""


@dataclass(frozen=True)
class Request:
    """What a caller asks a stack to become."""

    template: Template
    texts: dict[str, str]
    values: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)
    role: str = ""
    notify: tuple[str, ...] = ()
    keep_failed: bool = False


NOTHING = Request(EMPTY, {}, {})


@dataclass
class Stack:
    """A stack: what it was asked to be last, and what it has."""

    name: str
    id: str
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    protected: bool = False
    request: Request = NOTHING
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    imports: frozenset[str] = frozenset()
    events: list[Event] = field(default_factory=list)
    change_set: str = ""
    created: datetime.datetime = field(default_factory=now)
    updated: datetime.datetime | None = None
    deleted: datetime.datetime | None = None
    unfinished: Any = None  # a failed deployment that was asked not to roll back

    @property
    def busy(self) -> bool:
        """Whether an operation runs."""
        return self.status.endswith(IN_PROGRESS) and self.status != "REVIEW_IN_PROGRESS"

    @property
    def exports(self) -> dict[str, str]:
        """Values by export name."""
        return {each.export: each.value for each in self.outputs.values() if each.export}

    def tell(self, logical_id: str, made: str, kind: str, status: str, reason: str = "") -> None:
        """Add an event of a resource."""
        self.events.append(Event(self.id, self.name, logical_id, made, kind, status, reason))

    def become(self, status: str, reason: str = "") -> None:
        """Change the stack's status, with its event."""
        self.tell(self.name, self.id, "AWS::CloudFormation::Stack", status, reason)
        self.status, self.reason = status, reason


@dataclass
class ChangeSet:
    """A change that was asked for and may be executed."""

    name: str
    id: str
    stack: Stack
    kind: str
    request: Request
    changes: list[dict[str, Any]]
    description: str = ""
    status: str = "CREATE_COMPLETE"
    reason: str = ""
    execution: str = "AVAILABLE"
    created: datetime.datetime = field(default_factory=now)
