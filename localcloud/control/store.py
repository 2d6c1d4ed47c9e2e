"""All stacks and change sets that there are, by name and id."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable

from localcloud.control.errors import ApiError
from localcloud.control.stacks import ChangeSet, Stack


class Store:
    """All stacks and change sets of one account and region."""

    def __init__(self, account: str, region: str) -> None:
        self.lock = threading.RLock()
        self._prefix = f"arn:aws:cloudformation:{region}:{account}"
        self._stacks: dict[str, Stack] = {}
        self._change_sets: dict[str, ChangeSet] = {}

    def arn(self, kind: str, name: str) -> str:
        """Make the id of a new stack or change set."""
        return f"{self._prefix}:{kind}/{name}/{uuid.uuid4()}"

    def add(self, name: str) -> Stack:
        """Begin a stack."""
        stack = Stack(name, self.arn("stack", name))
        self._stacks[stack.id] = stack
        return stack

    def forget(self, stack: Stack) -> None:
        """Drop a stack that never came to be."""
        self._stacks.pop(stack.id, None)

    def find(self, name_or_id: str) -> Stack | None:
        """Find a stack by name (living ones) or id (all)."""
        if name_or_id in self._stacks:
            return self._stacks[name_or_id]
        return next((each for each in self.living() if each.name == name_or_id), None)

    def get(self, name_or_id: str) -> Stack:
        """Find a stack, or refuse as the API does."""
        stack = self.find(name_or_id)
        if stack is None:
            raise ApiError(f"Stack with id {name_or_id} does not exist")
        return stack

    def owner(self, physical_id: str) -> Stack:
        """Find the stack that a resource belongs to, or refuse as the API does."""
        for stack in self.living():
            if any(each.physical_id == physical_id for each in stack.resources.values()):
                return stack
        raise ApiError(f"Stack for {physical_id} does not exist")

    def living(self) -> list[Stack]:
        """Stacks that are not deleted, in the order of their creation."""
        return [each for each in self.every() if each.status != "DELETE_COMPLETE"]

    def every(self) -> list[Stack]:
        """All stacks, deleted ones among them."""
        return list(self._stacks.values())

    def importers(self, export: str, but: Stack) -> list[str]:
        """Names of the stacks that import an export."""
        return [each.name for each in self.living() if export in each.imports and each is not but]

    def export(self, name: str) -> str | None:
        """Value of an export."""
        return next((s.exports[name] for s in self.living() if name in s.exports), None)

    def keep(self, change_set: ChangeSet) -> None:
        """Keep a change set; one of the same name on the same stack gives way."""
        for old in self.change_sets(change_set.stack):
            if old.name == change_set.name:
                raise ApiError(
                    f"ChangeSet {change_set.name} already exists", "AlreadyExistsException"
                )
        self._change_sets[change_set.id] = change_set

    def drop(self, change_sets: Iterable[ChangeSet]) -> None:
        """Delete change sets."""
        for each in list(change_sets):
            self._change_sets.pop(each.id, None)

    def change_sets(self, stack: Stack) -> list[ChangeSet]:
        """The change sets of a stack."""
        return [each for each in self._change_sets.values() if each.stack is stack]

    def change_set(self, name_or_id: str, stack_name: str | None) -> ChangeSet:
        """Find a change set, or refuse as the API does."""
        found = self._change_sets.get(name_or_id)
        if found is None and stack_name:
            stack = self.get(stack_name)
            found = next((c for c in self.change_sets(stack) if c.name == name_or_id), None)
        if found is None:
            raise ApiError(f"ChangeSet [{name_or_id}] does not exist", "ChangeSetNotFound")
        return found
