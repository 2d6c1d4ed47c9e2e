"""Makes, changes and deletes one resource at a time, and tells each step as an event."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import Cloud
from localcloud.control.errors import ApiError, DeployError, HalfMadeError, NotKept, Refused
from localcloud.control.scope import StackScope
from localcloud.control.stacks import Request, Resource, Stack, now
from localcloud.control.store import Store
from localcloud.control.types.base import Properties, ResourceType
from localcloud.control.types.registry import stored, type_of
from localcloud.control.verify import verify

EXPECTED = (ApiError, BotoCoreError, ClientError, DeployError, NotKept, Refused)


@dataclass(frozen=True)
class Wanted:
    """A resource as a template asks for it, with its properties resolved."""

    logical_id: str
    definition: dict[str, Any]
    needs: frozenset[str]
    properties: Properties

    @property
    def kind(self) -> ResourceType:
        """Its type."""
        return type_of(self.definition["Type"])


@dataclass(frozen=True)
class Step:
    """One thing that was done: `before` became `after`."""

    before: Resource | None
    after: Resource


class Work:
    """What is done to the resources of one stack.

    Attributes
    ----------
    steps : list of Step
        What was made and changed; written down before it is tried, since a step that stops
        half-way must be undone too.
    """

    def __init__(self, cloud: Cloud, store: Store, stack: Stack, request: Request) -> None:
        self.stack, self.request = stack, request
        self.scope = StackScope(cloud, store, stack, request)
        self.steps: list[Step] = []

    def create(self, wanted: Wanted, old: Resource | None = None) -> None:
        """Make a resource, perhaps in the place of an old one."""
        name, kind, want = wanted.logical_id, wanted.kind, wanted.properties
        here = self.scope.here(name, kind=wanted.definition["Type"])
        after = Resource(name, here.type, "", want, wanted.definition, wanted.needs, here.data)
        verb = "UPDATE" if old else "CREATE"
        self.tell(after, f"{verb}_IN_PROGRESS", _why_new(old))
        try:
            after.physical_id = kind.create(here, want)
        except HalfMadeError as fault:
            after.physical_id = fault.made
            raise
        finally:
            if after.physical_id:
                self.stack.resources[name] = after
                self.steps.append(Step(old, after))
        kind.settle(here, after.physical_id, {}, want)
        verify(kind, here, after.physical_id, {}, want)
        self._done(after, verb)

    def change(self, had: Resource, wanted: Wanted) -> None:
        """Change a resource in place, or make a new one where its type says so."""
        kind, want = wanted.kind, wanted.properties
        # After a failure that was kept, what was tried is there as likely as what was before.
        source = had.tried if had.tried and want == had.properties else had.properties
        if wanted.definition["Type"] != had.type or kind.replaced_by(source, want):
            _refuse_same_name(kind, source, want)
            self.create(wanted, had)
            return
        here = self.scope.here(had.logical_id, replace(had, data=dict(had.data)))
        self.tell(had, "UPDATE_IN_PROGRESS")
        after = replace(
            had,
            properties=want,
            definition=wanted.definition,
            depends=wanted.needs,
            data=here.data,
            tried={},
        )
        self.steps.append(Step(had, after))
        self.stack.resources[had.logical_id] = after
        after.physical_id = kind.update(here, had.physical_id, source, want)
        verify(kind, here, after.physical_id, source, want)
        self._done(after, "UPDATE")

    def put_back(self, after: Resource, had: Resource) -> bool:
        """Change a resource to what it was; say whether that went well."""
        kind, here = type_of(had.type), self.scope.here(had.logical_id, had)

        def undo() -> None:
            had.physical_id = kind.update(here, after.physical_id, after.properties, had.properties)
            verify(kind, here, had.physical_id, after.properties, had.properties)

        return self._attempt(had, "UPDATE", undo)

    def delete(self, each: Resource, *, keep: set[str], policy: str = "DeletionPolicy") -> bool:
        """Delete a resource unless its policy keeps it; say whether that went well."""
        if each.definition.get(policy, "Delete") in keep:
            self.tell(each, "DELETE_SKIPPED")
            return True
        here, kind = self.scope.here(each.logical_id, each), type_of(each.type)
        return self._attempt(
            each, "DELETE", lambda: kind.delete(here, each.physical_id, each.properties)
        )

    def _attempt(self, each: Resource, verb: str, act: Callable[[], None]) -> bool:
        self.tell(each, f"{verb}_IN_PROGRESS")
        try:
            act()
        except Exception as fault:
            each.status, each.reason = f"{verb}_FAILED", reason_of(fault)
            self.tell(each, each.status, each.reason)
            return False
        each.status, each.reason = f"{verb}_COMPLETE", ""
        self.tell(each, each.status)
        return True

    def _done(self, after: Resource, verb: str) -> None:
        kept = ", ".join(stored(after.type, after.properties))
        reason = f"Stored, not acted on by the local cloud: {kept}" if kept else ""
        after.status, after.reason, after.updated = f"{verb}_COMPLETE", reason, now()
        self.tell(after, after.status, reason)

    def tell(self, each: Resource, status: str, reason: str = "") -> None:
        """Add an event of a resource."""
        self.stack.tell(each.logical_id, each.physical_id, each.type, status, reason)


def _why_new(old: Resource | None) -> str:
    return (
        "Requested update requires the creation of a new physical resource; hence creating one."
        if old
        else ""
    )


def _refuse_same_name(kind: ResourceType, had: Properties, want: Properties) -> None:
    name = kind.named_by
    if name and name in want and want[name] == had.get(name):
        raise DeployError(
            "CloudFormation cannot update a stack when a custom-named resource requires "
            f"replacing. Rename {kind.type} {want[name]} and update the stack again."
        )


def reason_of(fault: BaseException) -> str:
    """Tell a failure in a line; what nobody foresaw goes to the log whole."""
    if isinstance(fault, ClientError):
        error = fault.response["Error"]
        where = f"{fault.operation_name}: {error.get('Code')}"
        return f"Resource handler returned message: {error.get('Message')} ({where})"
    if isinstance(fault, ApiError):
        return fault.message
    if isinstance(fault, EXPECTED):
        return str(fault)
    traceback.print_exception(fault, file=sys.stderr)
    return f"The local cloud broke: {type(fault).__name__}: {fault}. Its log has the traceback."
