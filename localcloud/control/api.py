"""CloudFormation's API: each action's words in, its answer out.

moto's own CloudFormation is not used: in 5.2.5 it ignores types and properties in silence,
can't deploy a changed template, roll back or export from a change set, and loading it imports
twenty services.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.core.responses import ActionResult, BaseResponse, EmptyResult
from moto.moto_server.werkzeug_app import BackendRequest
from werkzeug.wrappers import Response

from localcloud.control import shapes
from localcloud.control.control import Control
from localcloud.control.errors import ApiError, Refused
from localcloud.control.reader import said
from localcloud.control.stacks import Stack

Words = dict[str, Any]


class CloudFormationApi(BaseResponse):
    """One request; an action that is no method here is answered 501."""

    def __init__(self, control: Control) -> None:
        super().__init__(service_name="cloudformation")
        self.automated_parameter_parsing = True
        self._control = control
        self._store = control.store

    @property
    def _words(self) -> Words:
        return dict(self.params)

    def _stack(self) -> Stack:
        return self._store.get(self._words["StackName"])

    def create_change_set(self) -> ActionResult:
        """CreateChangeSet."""
        made = self._control.create_change_set(self._words)
        return ActionResult({"Id": made.id, "StackId": made.stack.id})

    def describe_change_set(self) -> ActionResult:
        """DescribeChangeSet."""
        words = self._words
        found = self._store.change_set(words["ChangeSetName"], words.get("StackName"))
        return ActionResult(shapes.change_set(found))

    def execute_change_set(self) -> ActionResult:
        """ExecuteChangeSet."""
        words = self._words
        found = self._store.change_set(words["ChangeSetName"], words.get("StackName"))
        self._control.execute(found, words)
        return EmptyResult()

    def delete_change_set(self) -> ActionResult:
        """DeleteChangeSet; one that isn't there is no error."""
        words = self._words
        if words.get("StackName"):
            self._store.get(words["StackName"])
        try:
            found = self._store.change_set(words["ChangeSetName"], words.get("StackName"))
        except ApiError:
            return EmptyResult()
        self._store.drop([found])
        return EmptyResult()

    def list_change_sets(self) -> ActionResult:
        """ListChangeSets."""
        found = self._store.change_sets(self._stack())
        return ActionResult({"Summaries": [shapes.change_set(each) for each in found]})

    def create_stack(self) -> ActionResult:
        """CreateStack."""
        return ActionResult({"StackId": self._control.create_stack(self._words).id})

    def update_stack(self) -> ActionResult:
        """UpdateStack."""
        return ActionResult({"StackId": self._control.update_stack(self._words).id})

    def delete_stack(self) -> ActionResult:
        """DeleteStack; one that isn't there is no error."""
        stack = self._store.find(self._words["StackName"])
        if stack and stack.status != "DELETE_COMPLETE":
            self._control.delete(stack, set(self._words.get("RetainResources", ())))
        return EmptyResult()

    def rollback_stack(self) -> ActionResult:
        """RollbackStack."""
        stack = self._stack()
        self._control.roll_back(stack)
        return ActionResult({"StackId": stack.id})

    def update_termination_protection(self) -> ActionResult:
        """UpdateTerminationProtection."""
        stack = self._stack()
        stack.protected = said(self._words, "EnableTerminationProtection")
        return ActionResult({"StackId": stack.id})

    def describe_stacks(self) -> ActionResult:
        """DescribeStacks."""
        named = self._words.get("StackName")
        found = [self._store.get(named)] if named else self._store.living()
        return ActionResult({"Stacks": [shapes.stack(each) for each in found]})

    def list_stacks(self) -> ActionResult:
        """ListStacks."""
        wanted = self._words.get("StackStatusFilter")
        found = [each for each in self._store.every() if not wanted or each.status in wanted]
        return ActionResult({"StackSummaries": [shapes.stack(each) for each in found]})

    def describe_stack_events(self) -> ActionResult:
        """DescribeStackEvents, the newest first."""
        events = reversed(self._stack().events)
        return ActionResult({"StackEvents": [shapes.event(each) for each in events]})

    def describe_events(self) -> ActionResult:
        """DescribeEvents: no early validation of ours tells anything by it."""
        return ActionResult({"OperationEvents": []})

    def describe_stack_resources(self) -> ActionResult:
        """DescribeStackResources."""
        words = self._words
        named, made = words.get("StackName"), words.get("PhysicalResourceId", "")
        stack = self._store.get(named) if named else self._store.owner(made)
        wanted = words.get("LogicalResourceId")
        found = [r for r in stack.resources.values() if not wanted or r.logical_id == wanted]
        return ActionResult({"StackResources": [shapes.resource(stack, r) for r in found]})

    def describe_stack_resource(self) -> ActionResult:
        """DescribeStackResource."""
        stack, logical_id = self._stack(), self._words["LogicalResourceId"]
        if logical_id not in stack.resources:
            raise ApiError(f"Resource {logical_id} does not exist for stack {stack.name}")
        told = shapes.resource(stack, stack.resources[logical_id])
        return ActionResult({"StackResourceDetail": told})

    def list_stack_resources(self) -> ActionResult:
        """ListStackResources."""
        stack = self._stack()
        found = [shapes.resource(stack, each) for each in stack.resources.values()]
        return ActionResult({"StackResourceSummaries": found})

    def get_template(self) -> ActionResult:
        """GetTemplate, as it was given."""
        words = self._words
        if words.get("ChangeSetName"):
            found = self._store.change_set(words["ChangeSetName"], words.get("StackName"))
            return ActionResult(shapes.template(found.request.template.text))
        return ActionResult(shapes.template(self._stack().request.template.text))

    def get_template_summary(self) -> ActionResult:
        """GetTemplateSummary."""
        words = self._words
        try:
            named = words.get("StackName")
            wanted = (
                self._stack().request.template if named else self._control.reader.template(words)
            )
        except Refused as fault:
            raise ApiError(str(fault)) from fault
        return ActionResult(shapes.summary(wanted))

    def validate_template(self) -> ActionResult:
        """ValidateTemplate."""
        return self.get_template_summary()

    def list_exports(self) -> ActionResult:
        """ListExports."""
        found = [
            {"ExportingStackId": stack.id, "Name": name, "Value": value}
            for stack in self._store.living()
            for name, value in stack.exports.items()
        ]
        return ActionResult({"Exports": found})

    def list_imports(self) -> ActionResult:
        """ListImports."""
        name = self._words["ExportName"]
        users = [each.name for each in self._store.living() if name in each.imports]
        if not users:
            raise ApiError(f"Export '{name}' is not imported by any stack.")
        return ActionResult({"Imports": users})


def application(control: Control) -> Any:
    """Give the WSGI application that answers CloudFormation."""

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        status, headers, body = CloudFormationApi(control)._dispatch(BackendRequest(environ))
        headers.pop("status", None)
        found: Iterable[bytes] = Response(body, int(status), headers)(environ, start)
        return found

    return answer
