"""Outputs and exports: an export that another stack imports can't change or go."""

from __future__ import annotations

from localcloud.control.errors import DeployError
from localcloud.control.functions import as_text, resolve
from localcloud.control.scope import StackScope
from localcloud.control.stacks import Output, Request, Stack
from localcloud.control.store import Store


def outputs_of(
    scope: StackScope, store: Store, stack: Stack, request: Request
) -> dict[str, Output]:
    """Work out a stack's outputs.

    Raises
    ------
    DeployError
        Where an export's name is taken, or one that is in use would change or go.
    """
    found: dict[str, Output] = {}
    for key, words in request.template.outputs.items():
        if "Condition" in words and not scope.condition(words["Condition"]):
            continue
        export = resolve((words.get("Export") or {}).get("Name", ""), scope)
        value = as_text(resolve(words["Value"], scope))
        found[key] = Output(key, value, words.get("Description", ""), export)
    check(store, stack, {each.export: each.value for each in found.values() if each.export})
    return found


def check(store: Store, stack: Stack, becoming: dict[str, str]) -> None:
    """Check that a stack's exports may become these.

    Raises
    ------
    DeployError
        As CloudFormation words it.
    """
    for name in becoming.keys() - stack.exports.keys():
        for other in store.living():
            if other is not stack and name in other.exports:
                raise DeployError(
                    f"Export with name {name} is already exported by stack {other.name}"
                )
    for name, value in stack.exports.items():
        users = store.importers(name, stack)
        if users and name not in becoming:
            raise DeployError(
                f"Delete canceled. Cannot delete export {name} as it is in use by "
                f"{' and '.join(users)}."
            )
        if users and becoming[name] != value:
            raise DeployError(
                f"Cannot update export {name} as it is in use by {' and '.join(users)}."
            )
