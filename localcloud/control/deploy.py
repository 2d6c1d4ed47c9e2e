"""Puts a stack in place: creates, updates in place or by replacement, and undoes all on failure.

apply ──ok──▶ outputs, exports ──▶ clean up what was replaced or removed
  │
  └─fails──▶ undo, last step first ──▶ ROLLBACK_COMPLETE or UPDATE_ROLLBACK_COMPLETE
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from localcloud.cloud import Cloud
from localcloud.control import exports
from localcloud.control.errors import DeployError
from localcloud.control.graph import creation_order, dependencies
from localcloud.control.stacks import NOTHING, Request, Resource, Stack, now
from localcloud.control.store import Store
from localcloud.control.work import Step, Wanted, Work, reason_of


class Deployment:
    """One operation on one stack."""

    def __init__(self, cloud: Cloud, store: Store, stack: Stack, request: Request) -> None:
        self.stack, self.request, self._store = stack, request, store
        self.creating = stack.request is NOTHING and stack.unfinished is None
        self._work = Work(cloud, store, stack, request)
        self._had = dict(stack.resources)

    def run(self) -> None:
        """Bring the stack to its request, or back to where it was."""
        verb = "CREATE" if self.creating else "UPDATE"
        self.stack.become(f"{verb}_IN_PROGRESS", "User Initiated")
        self.stack.updated = None if self.creating else now()
        try:
            leaving = self._apply()
            outputs = exports.outputs_of(self._work.scope, self._store, self.stack, self.request)
        except Exception as fault:
            self._fail(verb, reason_of(fault))
            return
        self.stack.request, self.stack.unfinished = self.request, None
        self.stack.outputs, self.stack.imports = outputs, frozenset(self._work.scope.imports)
        if leaving:
            self.stack.become("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self._clean_up(leaving)
        self.stack.become(f"{verb}_COMPLETE")

    def _apply(self) -> list[Resource]:
        """Make and change every resource; give those that are left over."""
        scope = self._work.scope
        scope.check_rules()
        active = scope.active()
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
            for step in reversed(self._work.steps)
            if step.before and step.before.physical_id != step.after.physical_id
        ]

    def _step(self, logical_id: str, words: dict[str, Any], needs: frozenset[str]) -> None:
        had = self.stack.resources.get(logical_id)
        try:
            self._bring(had, logical_id, words, needs)
        except Exception as fault:
            verb = "UPDATE" if had else "CREATE"
            blank = Resource(logical_id, words["Type"], "", {}, words)
            made = replace(self.stack.resources.get(logical_id, blank))
            made.status, made.reason = f"{verb}_FAILED", reason_of(fault)
            self._work.tell(made, made.status, made.reason)
            if had and self.request.keep_failed:
                made = replace(had, status=made.status, reason=made.reason, tried=made.properties)
            if made.physical_id:
                self.stack.resources[logical_id] = made
            told = f"The following resource(s) failed to {verb.lower()}: [{logical_id}]."
            raise DeployError(told) from fault

    def _bring(
        self, had: Resource | None, logical_id: str, words: dict[str, Any], needs: frozenset[str]
    ) -> None:
        """Bring one resource to what the template says."""
        scope = self._work.scope
        wanted = Wanted(logical_id, words, needs, scope.properties(words))
        wanted.kind.check(scope.here(logical_id, kind=words["Type"]), wanted.properties)
        if had and had.status == "CREATE_FAILED":  # kept by a deployment without rollback
            self._work.delete(had, keep=set())
            del self.stack.resources[logical_id]
            had = None
        if had is None:
            self._work.create(wanted)
        elif wanted.properties != had.properties or had.tried:
            self._work.change(had, wanted)
        else:
            self.stack.resources[logical_id] = replace(had, definition=words, depends=needs)

    def _fail(self, verb: str, reason: str) -> None:
        if self.request.keep_failed:
            self.stack.unfinished = self
            self.stack.become(f"{verb}_FAILED", reason)
        else:
            self.roll_back(reason)

    def roll_back(self, reason: str) -> None:
        """Undo every step, last one first."""
        prefix = "ROLLBACK" if self.creating else "UPDATE_ROLLBACK"
        self.stack.become(f"{prefix}_IN_PROGRESS", f"{reason} Rollback requested by user.")
        failed = [step.after for step in reversed(self._work.steps) if not self._undo(step)]
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
            # What a failed creation made is kept by "Retain", not by "RetainExceptOnCreate":
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
            return self._work.delete(step.after, keep={"Retain"} if self.creating else set())
        return self._work.put_back(step.after, had)

    def _clean_up(self, leaving: list[Resource]) -> None:
        """Delete what the update left over; a failure is told and passed, as on AWS."""
        for each in leaving:
            replaced = each.logical_id in self.stack.resources
            policy = "UpdateReplacePolicy" if replaced else "DeletionPolicy"
            self._work.delete(each, keep={"Retain", "RetainExceptOnCreate"}, policy=policy)


def deletion_order(resources: list[Resource]) -> list[Resource]:
    """Every resource before those that it needs."""
    known = {each.logical_id: each for each in resources}
    graph = {name: each.depends & known.keys() for name, each in known.items()}
    return [known[name] for name in reversed(creation_order(graph))]
