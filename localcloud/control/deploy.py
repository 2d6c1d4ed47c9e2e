"""Puts a stack in place: creates, updates in place or by replacement, and undoes all on failure.

    apply ──ok──▶ outputs, exports ──▶ clean up what was replaced or removed
      │
      └─fails──▶ undo, last step first ──▶ ROLLBACK_COMPLETE or UPDATE_ROLLBACK_COMPLETE

Each step is written down before the next begins, so what was done is known wherever it stops.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import Cloud
from localcloud.control import exports
from localcloud.control.errors import ApiError, DeployError, HalfMadeError, NotKept, Refused
from localcloud.control.graph import creation_order, dependencies
from localcloud.control.scope import StackScope
from localcloud.control.stacks import NOTHING, Request, Resource, Stack, Store, now
from localcloud.control.types.base import Properties
from localcloud.control.types.registry import stored, type_of
from localcloud.control.verify import verify

EXPECTED = (ApiError, BotoCoreError, ClientError, DeployError, NotKept, Refused)


@dataclass(frozen=True)
class Step:
    """One thing that was done: `before` became `after`."""

    before: Resource | None
    after: Resource


class StepFailed(Exception):  # noqa: N818  a stop, told already as an event
    """A resource could not be made or changed; its event says why."""


class Deployment:
    """One operation on one stack."""

    def __init__(self, cloud: Cloud, store: Store, stack: Stack, request: Request) -> None:
        self._cloud, self._store, self.stack = cloud, store, stack
        self.creating = stack.request is NOTHING and stack.unfinished is None
        self.request = request
        self.steps: list[Step] = []
        self.scope = StackScope(cloud, store, stack, request)
        self._had = dict(stack.resources)

    def run(self) -> None:
        """Bring the stack to its request, or back to where it was."""
        verb = "CREATE" if self.creating else "UPDATE"
        self.stack.become(f"{verb}_IN_PROGRESS", "User Initiated")
        self.stack.updated = None if self.creating else now()
        try:
            leaving = self._apply()
            outputs = exports.outputs_of(self.scope, self._store, self.stack, self.request)
        except Exception as fault:
            reason = reason_of(fault)
            if self.request.keep_failed:
                self.stack.unfinished = self
                self.stack.become(f"{verb}_FAILED", reason)
            else:
                self.roll_back(reason)
            return
        self.stack.request, self.stack.unfinished = self.request, None
        self.stack.outputs, self.stack.imports = outputs, frozenset(self.scope.imports)
        if leaving:
            self.stack.become("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self._clean_up(leaving)
        self.stack.become(f"{verb}_COMPLETE")

    def _apply(self) -> list[Resource]:
        """Make and change every resource; give those that are left over."""
        self.scope.check_rules()
        active = self.scope.active()
        graph = {name: dependencies(words, set(active)) for name, words in active.items()}
        for logical_id in creation_order(graph):
            self._step(logical_id, active[logical_id], graph[logical_id])
        gone = [each for name, each in self.stack.resources.items() if name not in active]
        for each in gone:
            del self.stack.resources[each.logical_id]
        return [*self._replaced(), *deletion_order(gone)]

    def _replaced(self) -> list[Resource]:
        return [
            step.before
            for step in reversed(self.steps)
            if step.before and step.before.physical_id != step.after.physical_id
        ]

    def _step(self, logical_id: str, words: dict[str, Any], needs: frozenset[str]) -> None:
        had = self.stack.resources.get(logical_id)
        verb = "UPDATE" if had else "CREATE"
        try:
            want = self.scope.properties(words)
            kind = type_of(words["Type"])
            kind.check(self.scope.here(logical_id, kind=words["Type"]), want)
            if had and had.status == "CREATE_FAILED":  # kept by a deployment without rollback
                self.delete(had, keep=set())
                had = self.stack.resources.pop(logical_id) and None
            if had is None:
                self._create(logical_id, words, needs, want)
            elif want != had.properties:
                self._change(had, words, needs, want)
            else:
                self.stack.resources[logical_id] = replace(had, definition=words, depends=needs)
        except Exception as fault:
            made = self.stack.resources.get(logical_id)
            reason = reason_of(fault)
            if made:
                made.status, made.reason = f"{verb}_FAILED", reason
            self._tell(
                logical_id, made.physical_id if made else "", words, f"{verb}_FAILED", reason
            )
            raise StepFailed(
                f"The following resource(s) failed to {verb.lower()}: [{logical_id}]."
            ) from fault

    def _create(
        self,
        logical_id: str,
        words: dict[str, Any],
        needs: frozenset[str],
        want: Properties,
        old: Resource | None = None,
    ) -> None:
        kind, verb = type_of(words["Type"]), "UPDATE" if old else "CREATE"
        here = self.scope.here(logical_id, kind=words["Type"])
        self._tell(logical_id, "", words, f"{verb}_IN_PROGRESS", _why_new(old))
        after = Resource(logical_id, words["Type"], "", want, words, needs, here.data)
        try:
            after.physical_id = kind.create(here, want)
        except HalfMadeError as fault:
            after.physical_id = fault.made
            raise
        finally:
            if after.physical_id:
                self.stack.resources[logical_id] = after
                self.steps.append(Step(old, after))
        kind.settle(here, after.physical_id, {}, want)
        verify(kind, here, after.physical_id, {}, want)
        self._done(after, verb)

    def _change(
        self, had: Resource, words: dict[str, Any], needs: frozenset[str], want: Properties
    ) -> None:
        kind = type_of(had.type)
        if words["Type"] != had.type or kind.replaced_by(had.properties, want):
            self._refuse_same_name(kind.named_by, had, words, want)
            self._create(had.logical_id, words, needs, want, had)
            return
        here = self.scope.here(had.logical_id, replace(had, data=dict(had.data)))
        self._tell(had.logical_id, had.physical_id, words, "UPDATE_IN_PROGRESS")
        # Written down first: an update that stops half-way is undone like one that ended.
        after = replace(had, properties=want, definition=words, depends=needs, data=here.data)
        self.steps.append(Step(had, after))
        self.stack.resources[had.logical_id] = after
        after.physical_id = kind.update(here, had.physical_id, had.properties, want)
        verify(kind, here, after.physical_id, had.properties, want)
        self._done(after, "UPDATE")

    def _refuse_same_name(
        self, name: str, had: Resource, words: dict[str, Any], want: Properties
    ) -> None:
        if name and name in want and want[name] == had.properties.get(name):
            raise DeployError(
                "CloudFormation cannot update a stack when a custom-named resource requires "
                f"replacing. Rename {words['Type']} {want[name]} and update the stack again."
            )

    def _done(self, after: Resource, verb: str) -> None:
        kept = ", ".join(stored(after.type, after.properties))
        reason = f"Stored, not acted on by the local cloud: {kept}" if kept else ""
        after.status, after.reason, after.updated = f"{verb}_COMPLETE", reason, now()
        self._tell(after.logical_id, after.physical_id, after.definition, after.status, reason)

    def _tell(
        self, logical_id: str, made: str, words: dict[str, Any], status: str, reason: str = ""
    ) -> None:
        self.stack.tell(logical_id, made, words["Type"], status, reason)

    def roll_back(self, reason: str) -> None:
        """Undo every step, last one first."""
        prefix = "ROLLBACK" if self.creating else "UPDATE_ROLLBACK"
        self.stack.become(f"{prefix}_IN_PROGRESS", f"{reason} Rollback requested by user.")
        failed = [step.after for step in reversed(self.steps) if not self._undo(step)]
        stuck = {each.logical_id: each for each in failed}
        self.stack.resources = {**stuck, **self._had}
        self.stack.unfinished = None
        if not self.creating:
            self.stack.become("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        told = f"The following resource(s) failed to roll back: [{', '.join(stuck)}]."
        self.stack.become(*((f"{prefix}_FAILED", told) if stuck else (f"{prefix}_COMPLETE", "")))

    def _undo(self, step: Step) -> bool:
        had = step.before
        if had is None or had.physical_id != step.after.physical_id:
            return self.delete(step.after, keep={"Retain"} if self.creating else set())
        return self._attempt(had, "UPDATE", lambda: self._put_back(step.after, had))

    def _put_back(self, after: Resource, had: Resource) -> None:
        kind = type_of(had.type)
        here = self.scope.here(had.logical_id, had)
        made = kind.update(here, after.physical_id, after.properties, had.properties)
        had.physical_id = made
        verify(kind, here, made, after.properties, had.properties)

    def _clean_up(self, leaving: list[Resource]) -> None:
        """Delete what the update left over; a failure is told and passed, as on AWS."""
        for each in leaving:
            replaced = each.logical_id in self.stack.resources
            policy = "UpdateReplacePolicy" if replaced else "DeletionPolicy"
            self.delete(each, keep={"Retain", "RetainExceptOnCreate"}, policy=policy)

    def delete(self, each: Resource, *, keep: set[str], policy: str = "DeletionPolicy") -> bool:
        """Delete a resource unless its policy keeps it; say whether that went well."""
        if each.definition.get(policy, "Delete") in keep:
            self._tell(each.logical_id, each.physical_id, each.definition, "DELETE_SKIPPED")
            return True
        here = self.scope.here(each.logical_id, each)
        erase = lambda: type_of(each.type).delete(here, each.physical_id, each.properties)  # noqa: E731
        return self._attempt(each, "DELETE", erase)

    def _attempt(self, each: Resource, verb: str, act: Callable[[], None]) -> bool:
        self._tell(each.logical_id, each.physical_id, each.definition, f"{verb}_IN_PROGRESS")
        try:
            act()
        except Exception as fault:
            each.status, each.reason = f"{verb}_FAILED", reason_of(fault)
            words = each.definition
            self._tell(each.logical_id, each.physical_id, words, each.status, each.reason)
            return False
        self._tell(each.logical_id, each.physical_id, each.definition, f"{verb}_COMPLETE")
        return True


def _why_new(old: Resource | None) -> str:
    return (
        "Requested update requires the creation of a new physical resource; hence creating one."
        if old
        else ""
    )


def deletion_order(resources: list[Resource]) -> list[Resource]:
    """Every resource before those that it needs."""
    known = {each.logical_id: each for each in resources}
    graph = {name: each.depends & known.keys() for name, each in known.items()}
    return [known[name] for name in reversed(creation_order(graph))]


def reason_of(fault: BaseException) -> str:
    """Tell a failure in a line; what nobody foresaw goes to the log whole."""
    if isinstance(fault, ClientError):
        error = fault.response["Error"]
        where = f"{fault.operation_name}: {error.get('Code')}"
        return f"Resource handler returned message: {error.get('Message')} ({where})"
    if isinstance(fault, ApiError):
        return fault.message
    if isinstance(fault, (*EXPECTED, StepFailed)):
        return str(fault)
    traceback.print_exception(fault, file=sys.stderr)
    return f"The local cloud broke: {type(fault).__name__}: {fault}. Its log has the traceback."
