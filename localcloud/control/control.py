"""The operations of CloudFormation, each in a thread of its own as on AWS."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from localcloud.cloud import Cloud
from localcloud.control.changes import changes_of
from localcloud.control.deploy import Deployment
from localcloud.control.errors import ApiError, Refused
from localcloud.control.reader import Reader, said
from localcloud.control.stacks import ChangeSet, Request, Stack
from localcloud.control.store import Store
from localcloud.control.teardown import delete_stack

GRACE_S = 20  # an operation this short is over when its call returns, and nobody polls
NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
UPDATABLE = re.compile(r"(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT)_COMPLETE|(CREATE|UPDATE)_FAILED")
NO_CHANGES = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)


class Control:
    """CloudFormation of one account and region."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.reader = Reader(cloud)
        self.store = Store(cloud.account, cloud.region)

    def create_change_set(self, words: dict[str, Any]) -> ChangeSet:
        """Preview a change.

        Raises
        ------
        ApiError
            Where it can't be met, before anything is made.
        """
        kind, name = words.get("ChangeSetType", "UPDATE"), words["StackName"]
        if kind not in ("CREATE", "UPDATE"):
            raise ApiError(str(Refused.of(f"The change set type {kind}")))
        with self.store.lock:
            stack, new = self._stack_for(kind, name)
            try:
                request = self.reader.request(words, stack)
                changes = self._changes(stack, request)
                arn = self.store.arn("changeSet", words["ChangeSetName"])
                made = ChangeSet(words["ChangeSetName"], arn, stack, kind, request, changes)
                made.description = words.get("Description", "")
                if kind == "UPDATE" and _unchanged(stack, request):
                    made.status, made.execution, made.reason = "FAILED", "UNAVAILABLE", NO_CHANGES
                self.store.keep(made)
            except Exception:
                if new:
                    self.store.forget(stack)
                raise
        return made

    def _stack_for(self, kind: str, name: str) -> tuple[Stack, bool]:
        stack = self.store.find(name)
        if kind == "UPDATE":
            stack = self.store.get(name)
            self._check_updatable(stack)
            return stack, False
        if stack and stack.status == "REVIEW_IN_PROGRESS":
            return stack, False
        if stack:
            raise ApiError(f"Stack [{name}] already exists and cannot be created again")
        return self._new(name), True

    def _new(self, name: str) -> Stack:
        if not NAME.fullmatch(name):
            raise ApiError(f"1 validation error detected: Value '{name}' at 'stackName'")
        stack = self.store.add(name)
        stack.become("REVIEW_IN_PROGRESS", "User Initiated")
        return stack

    def _check_updatable(self, stack: Stack) -> None:
        if not UPDATABLE.fullmatch(stack.status):
            raise ApiError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")

    def _changes(self, stack: Stack, request: Request) -> list[dict[str, Any]]:
        try:
            return changes_of(self.cloud, self.store, stack, request)
        except Refused as fault:
            raise ApiError(str(fault)) from fault

    def execute(self, change_set: ChangeSet, words: dict[str, Any]) -> None:
        """Do what a change set says."""
        if change_set.execution != "AVAILABLE":
            raise ApiError(
                f"ChangeSet [{change_set.id}] cannot be executed in its current status of "
                f"[{change_set.status}]",
                "InvalidChangeSetStatus",
            )
        with self.store.lock:
            if change_set.kind == "UPDATE":
                self._check_updatable(change_set.stack)
            self.store.drop(self.store.change_sets(change_set.stack))
            change_set.stack.change_set = change_set.id
            keep = said(words, "DisableRollback")
            work = self._begin(change_set.stack, change_set.request, keep)
        in_background(work.run)

    def create_stack(self, words: dict[str, Any]) -> Stack:
        """Make a stack without a change set."""
        with self.store.lock:
            if self.store.find(words["StackName"]):
                raise ApiError(
                    f"Stack [{words['StackName']}] already exists", "AlreadyExistsException"
                )
            stack = self._new(words["StackName"])
            try:
                request = self.reader.request(words, stack)
                self._changes(stack, request)
            except Exception:
                self.store.forget(stack)
                raise
            stack.protected = said(words, "EnableTerminationProtection")
            keep = said(words, "DisableRollback") or words.get("OnFailure") == "DO_NOTHING"
            work = self._begin(stack, request, keep)
        in_background(work.run)
        return stack

    def update_stack(self, words: dict[str, Any]) -> Stack:
        """Change a stack without a change set."""
        with self.store.lock:
            stack = self.store.get(words["StackName"])
            self._check_updatable(stack)
            request = self.reader.request(words, stack)
            if _unchanged(stack, request):
                raise ApiError("No updates are to be performed.")
            self._changes(stack, request)
            work = self._begin(stack, request, said(words, "DisableRollback"))
        in_background(work.run)
        return stack

    def _begin(self, stack: Stack, request: Request, keep_failed: bool) -> Deployment:
        """Claim a stack for a deployment; the caller holds the lock."""
        work = Deployment(self.cloud, self.store, stack, replace(request, keep_failed=keep_failed))
        stack.status = "CREATE_IN_PROGRESS" if work.creating else "UPDATE_IN_PROGRESS"
        return work

    def delete(self, stack: Stack, retain: set[str]) -> None:
        """Begin to delete a stack."""
        if stack.protected:
            raise ApiError(
                f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        if stack.busy:
            raise ApiError(f"Stack [{stack.id}] is in {stack.status} state and can not be deleted.")
        in_background(lambda: delete_stack(self.cloud, self.store, stack, retain))

    def roll_back(self, stack: Stack) -> None:
        """Roll back what a failed deployment was asked to keep."""
        work = stack.unfinished
        if not isinstance(work, Deployment):
            raise ApiError(
                f"Stack:{stack.id} is in {stack.status} state and can not be rolled back."
            )
        in_background(lambda: work.roll_back("User Initiated."))


def in_background(work: Callable[[], None]) -> None:
    """Start work; come back when it is done or has taken long."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(GRACE_S)


def _unchanged(stack: Stack, want: Request) -> bool:
    had = stack.request
    same = had.template.sections == want.template.sections
    same = same and had.values == want.values and had.tags == want.tags
    return same and stack.unfinished is None
