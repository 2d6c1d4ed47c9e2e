"""Deletes a stack."""

from __future__ import annotations

from localcloud.cloud import Cloud
from localcloud.control import exports
from localcloud.control.deploy import Deployment, deletion_order
from localcloud.control.errors import DeployError
from localcloud.control.stacks import Stack, Store, now

KEEP = {"Retain", "RetainExceptOnCreate"}


def delete_stack(cloud: Cloud, store: Store, stack: Stack, retain: set[str]) -> None:
    """Delete what a stack has, save what its policies or `retain` keep.

    An export in use cancels the deletion; a resource that can't be deleted leaves the stack
    in DELETE_FAILED, with that resource and all that it needs.
    """
    status, reason = stack.status, stack.reason
    try:
        exports.check(store, stack, {})
    except DeployError as fault:
        stack.become("DELETE_FAILED", str(fault))
        stack.status, stack.reason = status, str(fault) or reason
        return
    stack.become("DELETE_IN_PROGRESS", "User Initiated")
    work = Deployment(cloud, store, stack, stack.request)
    failed: list[str] = []
    needed: set[str] = set()
    for each in deletion_order(list(stack.resources.values())):
        if each.logical_id in needed:
            needed |= each.depends
            continue
        keep = KEEP | ({"Delete"} if each.logical_id in retain else set())
        if work.delete(each, keep=keep):
            del stack.resources[each.logical_id]
        else:
            failed.append(each.logical_id)
            needed |= each.depends
    if failed:
        told = f"The following resource(s) failed to delete: [{', '.join(failed)}]."
        stack.become("DELETE_FAILED", told)
        return
    store.drop(store.change_sets(stack))
    stack.outputs, stack.imports, stack.deleted = {}, frozenset(), now()
    stack.become("DELETE_COMPLETE")
