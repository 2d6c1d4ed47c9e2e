"""Deletes a stack."""

from __future__ import annotations

from localcloud.cloud import Cloud
from localcloud.control import exports
from localcloud.control.deploy import deletion_order
from localcloud.control.errors import DeployError
from localcloud.control.stacks import Stack, now
from localcloud.control.store import Store
from localcloud.control.work import Work

KEEP = {"Retain", "RetainExceptOnCreate"}


def delete_stack(cloud: Cloud, store: Store, stack: Stack, retain: set[str]) -> None:
    """Delete what a stack has, save what its policies or `retain` keep.

    An export in use cancels the deletion; a resource that can't be deleted leaves the stack
    in DELETE_FAILED, with that resource and all that it needs.
    """
    status = stack.status
    try:
        exports.check(store, stack, {})
    except DeployError as fault:
        stack.become("DELETE_FAILED", str(fault))
        stack.status = status  # canceled: nothing was touched
        return
    stack.become("DELETE_IN_PROGRESS", "User Initiated")
    failed = _delete_resources(Work(cloud, store, stack, stack.request), retain)
    if failed:
        told = f"The following resource(s) failed to delete: [{', '.join(failed)}]."
        stack.become("DELETE_FAILED", told)
        return
    store.drop(store.change_sets(stack))
    stack.outputs, stack.imports, stack.deleted = {}, frozenset(), now()
    stack.become("DELETE_COMPLETE")


def _delete_resources(work: Work, retain: set[str]) -> list[str]:
    failed: list[str] = []
    needed: set[str] = set()
    resources = work.stack.resources
    for each in deletion_order(list(resources.values())):
        keep = KEEP | ({"Delete"} if each.logical_id in retain else set())
        if each.logical_id in needed:
            needed |= each.depends
        elif work.delete(each, keep=keep):
            del resources[each.logical_id]
        else:
            failed.append(each.logical_id)
            needed |= each.depends
    return failed
