"""Checks a definition before its machine is made: what it can't do here is refused by name.

moto takes many fields that it then leaves out, and finds others wrong only when it comes to
them, hours into an execution.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.engines.states import integrations
from localcloud.engines.states.fields import (
    ALONE,
    CATCHER,
    FIELDS,
    MAP_PARTS,
    MOST_BYTES,
    NAME_LENGTH,
    PROCESSOR,
    PROGRAM,
    REFUSED,
    RETRIER,
    TERMINAL,
)
from localcloud.engines.states.program import check_path

_PATH = re.compile(r"^\$\$?(?:[.\[].*)?$", re.DOTALL)
#: Fields whose names are the service's or the author's own.
PAYLOADS = ("Parameters", "ItemSelector", "ResultSelector")
_ACTS = ("s3:getObject", "s3:listObjectsV2")


class Unfit(Exception):  # noqa: N818
    """A definition that can't be run, and where."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"SCHEMA_VALIDATION_FAILED: {what} at {where}")


def unable(field: str, value: Any, where: str) -> Unfit:
    """Refuse something that AWS has and the local cloud has not."""
    told = json.dumps(value)
    told = told if len(told) < 100 else f"{told[:97]}..."
    return Unfit(
        f"{field} = {told} can't be honoured by the local cloud. Remove it, or deploy to AWS.",
        where,
    )


def check(definition: str) -> None:
    """Check a definition.

    Raises
    ------
    Unfit
    """
    if len(definition.encode()) > MOST_BYTES:
        raise Unfit(f"the definition has more than {MOST_BYTES} bytes", "/")
    try:
        document = json.loads(definition)
    except ValueError as fault:
        raise Unfit(f"INVALID_JSON_DESCRIPTION: {fault}", "/") from None
    if not isinstance(document, dict):
        raise Unfit("the definition is no JSON object", "/")
    names: set[str] = set()
    _program(document, "", PROGRAM, names)


def _program(program: Any, where: str, fields: frozenset[str], names: set[str]) -> None:
    """Check the states of a machine, of a branch or of an ItemProcessor."""
    _only(program, fields, where)
    _language(program, where)
    states = program.get("States")
    if not isinstance(states, dict) or not states:
        raise Unfit("The field 'States' should have at least one state", where or "/")
    if program.get("StartAt") not in states:
        raise Unfit(f"MISSING_TRANSITION_TARGET: {program.get('StartAt')!r}", f"{where}/StartAt")
    for name, state in states.items():
        if len(name) > NAME_LENGTH:
            raise Unfit(f"a state's name has more than {NAME_LENGTH} characters", f"/{name}")
        if name in names:
            raise Unfit("DUPLICATE_STATE_NAME", f"/States/{name}")
        names.add(name)
        _state(state, f"{where}/States/{name}", states, names)


def _only(found: Any, fields: frozenset[str], where: str) -> None:
    if not isinstance(found, dict):
        raise Unfit("a JSON object is missing", where or "/")
    for field in found:
        if field in REFUSED:
            raise unable(field, found[field], where)
        if field not in fields:
            raise Unfit(f"The field {field!r} is not supported", where or "/")


def _language(found: Mapping[str, Any], where: str) -> None:
    # moto evaluates JSONata by a Java library that it doesn't bring.
    if found.get("QueryLanguage", "JSONPath") != "JSONPath":
        raise unable("QueryLanguage", found["QueryLanguage"], where)


def _state(state: Any, where: str, siblings: Mapping[str, Any], names: set[str]) -> None:
    kind = state.get("Type") if isinstance(state, dict) else None
    if kind not in FIELDS:
        raise Unfit(f"'{kind}' is no type of a state", where)
    _only(state, FIELDS[kind], where)
    _language(state, where)
    for one, other in ALONE:
        if one in state and other in state:
            raise Unfit(f"only one of {one} and {other} may be given", where)
    _ends(state, kind, where)
    for field, target in _targets(state):
        if target not in siblings:
            raise Unfit(f"MISSING_TRANSITION_TARGET: {target!r}", f"{where}/{field}")
    for path in _paths(state):
        _check_path(path, where)
    for index, retrier in enumerate(state.get("Retry", ())):
        _only(retrier, RETRIER, f"{where}/Retry[{index}]")
    for index, catcher in enumerate(state.get("Catch", ())):
        _only(catcher, CATCHER, f"{where}/Catch[{index}]")
    for field in ("Retry", "Catch"):
        _wildcard_comes_last(state.get(field, ()), f"{where}/{field}")
    if kind == "Task":
        integrations.check(state, where)
    elif kind == "Parallel":
        for index, branch in enumerate(state.get("Branches", ())):
            _program(branch, f"{where}/Branches[{index}]", PROGRAM - {"TimeoutSeconds"}, names)
    elif kind == "Map":
        _map(state, where, names)


def _ends(state: Mapping[str, Any], kind: str, where: str) -> None:
    if kind in TERMINAL:
        return
    if ("Next" in state) == (state.get("End") is True):
        raise Unfit("one of Next and End: true should be given", where)


def _targets(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field in ("Next", "Default"):
        if field in state:
            yield field, state[field]
    for field in ("Catch", "Choices"):
        for index, each in enumerate(state.get(field, ())):
            yield f"{field}[{index}]/Next", each.get("Next")


def _paths(found: Any, payload: bool = False) -> Iterator[str]:
    """Every path of a state, but those of the states inside of it.

    In a payload, as Parameters, only names that end with `.$` have one: EMR's have a `Path`.
    """
    if isinstance(found, dict):
        for key, value in found.items():
            if key in ("States", "Result"):
                continue
            named = key.endswith(".$") or (
                not payload and (key.endswith("Path") or key == "Variable")
            )
            if isinstance(value, str) and named:
                yield value
            else:
                yield from _paths(value, payload or key in PAYLOADS)
    elif isinstance(found, list):
        for each in found:
            yield from _paths(each, payload)


def _check_path(path: str, where: str) -> None:
    if path.startswith("States."):
        return  # moto's parser reads intrinsic functions as it parses the definition
    if not _PATH.match(path):
        # `$name` is a variable, which moto can read by JSONata alone.
        raise unable("The path", path, where)
    try:
        check_path(path[1:] if path.startswith("$$") else path)
    except Exception as fault:
        raise Unfit(f"Value is not a Valid JSONPath: {path!r} ({fault})", where) from None


def _wildcard_comes_last(handlers: Any, where: str) -> None:
    for index, each in enumerate(handlers):
        errors = each.get("ErrorEquals")
        if not errors:
            raise Unfit("ErrorEquals should have at least one item", f"{where}[{index}]")
        if "States.ALL" in errors and (len(errors) > 1 or index < len(handlers) - 1):
            raise Unfit("States.ALL must stand alone, and in the last place", f"{where}[{index}]")


def _map(state: Mapping[str, Any], where: str, names: set[str]) -> None:
    processor = state.get("ItemProcessor")
    if processor is None:
        raise Unfit("The field 'ItemProcessor' is missing", where)
    _program(processor, f"{where}/ItemProcessor", PROCESSOR, names)
    config = processor.get("ProcessorConfig") or {"Mode": "INLINE"}
    _only(config, frozenset({"Mode", "ExecutionType"}), f"{where}/ItemProcessor/ProcessorConfig")
    distributed = config.get("Mode", "INLINE") == "DISTRIBUTED"
    if config.get("ExecutionType", "STANDARD") != "STANDARD":
        raise unable("ExecutionType", config["ExecutionType"], where)
    for part, fields in MAP_PARTS.items():
        if part in state:
            if not distributed:
                raise Unfit(f"{part} is for DISTRIBUTED mode alone", where)
            _only(state[part], fields, f"{where}/{part}")
    if not distributed:
        for field in state:
            if field.startswith("Tolerated") or field == "Label":
                raise Unfit(f"{field} is for DISTRIBUTED mode alone", where)
    _files(state, where)


def _files(state: Mapping[str, Any], where: str) -> None:
    if reader := state.get("ItemReader"):
        act = str(reader.get("Resource", "")).rpartition(":::")[2]
        if act not in _ACTS:
            raise unable("ItemReader.Resource", reader.get("Resource"), where)
        config = reader.get("ReaderConfig") or {}
        _only(config, frozenset({"InputType", "MaxItems", "MaxItemsPath"}), f"{where}/ItemReader")
        if act == "s3:getObject" and config.get("InputType") != "JSON":
            raise unable("ItemReader.ReaderConfig.InputType", config.get("InputType"), where)
        if act == "s3:listObjectsV2" and "InputType" in config:
            raise Unfit("InputType is not supported for s3:listObjectsV2", f"{where}/ItemReader")
    if writer := state.get("ResultWriter"):
        if not str(writer.get("Resource", "")).endswith(":::s3:putObject"):
            raise unable("ResultWriter.Resource", writer.get("Resource"), where)
        fields = frozenset({"Bucket", "Bucket.$", "Prefix", "Prefix.$"})
        _only(writer.get("Parameters"), fields, f"{where}/ResultWriter/Parameters")
