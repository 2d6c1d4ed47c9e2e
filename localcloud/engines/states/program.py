"""Definitions parsed once, and paths that mean what AWS means by them.

moto parses a definition anew for each execution, in that execution's thread, with state that
all threads share; a path that may match many values gives one value where one matched.
"""

from __future__ import annotations

import json
import sys
import threading
from functools import lru_cache
from typing import Any

import jsonpath_ng as paths
from jsonpath_ng.ext.parser import parse as parse_path
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from localcloud.engines.patching import patch

_parsing = threading.Lock()
_parse = AmazonStateLanguageParser.parse


@lru_cache(maxsize=64)
def _parsed(text: str) -> Program:
    return _parse(text)[0]  # type: ignore[return-value]


def parsed(definition: str) -> Program:
    """Parse a definition, or give it as it was parsed before: evaluation keeps no state in it."""
    # Written anew, so that no escape of JSON's is left to moto, which reads few of them.
    text = json.dumps(_decimal(json.loads(definition)), ensure_ascii=False)
    with _parsing:
        return _parsed(text)


def _decimal(found: Any) -> Any:
    """Write percentages with a point: moto's grammar knows no others."""
    if isinstance(found, dict):
        return {
            key: float(value)
            if key == "ToleratedFailurePercentage" and isinstance(value, int)
            else _decimal(value)
            for key, value in found.items()
        }
    return [_decimal(each) for each in found] if isinstance(found, list) else found


@lru_cache(maxsize=4096)
def _path(text: str) -> tuple[Any, bool]:
    found = parse_path(text)
    return found, _is_definite(found)


def check_path(text: str) -> None:
    """Raise where a path can't be read here."""
    _path(text)


def _is_definite(path: Any) -> bool:
    """Whether a path can match one value at most: plain names and indices all the way."""
    if isinstance(path, paths.Child):
        return _is_definite(path.left) and _is_definite(path.right)
    if isinstance(path, paths.Fields):
        return len(path.fields) == 1 and path.fields[0] != "*"
    if isinstance(path, paths.Index):
        return len(path.indices) == 1
    return isinstance(path, paths.Root | paths.This)


def extract(path: str, data: Any) -> Any:
    """What a path finds: a value, or where it could match many, the list of all it matches.

    Raises
    ------
    NoSuchJsonPathError
        Where a path that names one value finds none.
    """
    found, definite = _path(path)
    matches = [match.value for match in found.find(data)]
    if not definite:
        return matches
    if not matches:
        raise NoSuchJsonPathError(json_path=path, data=data)
    return matches[0]


def install() -> None:
    """Put these in moto's place."""

    def own_scopes(self: Any) -> None:
        self._query_language_per_scope = []  # moto's is one list for all threads

    def any_name(self: Any, error_name: str | None) -> None:
        ErrorName.__init__(self, error_name)

    patch(Preprocessor, __init__=own_scopes)
    patch(Preprocessor, _inner_string_of=staticmethod(_inner_string_of))
    # A branch's error keeps its name, though it be one of States' own.
    patch(CustomErrorName, __init__=any_name)
    # moto prints the whole program at each level that an error passes.
    patch(EvalComponent, _log_failure_event_exception=_silent, _log_exception=_silent)
    vars(result_path)["parse"] = lambda text: _path(text)[0]
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions") and hasattr(module, "extract_json"):
            vars(module)["extract_json"] = extract


def _silent(self: Any, *_: Any, **__: Any) -> None:
    return None


def _inner_string_of(parser_rule_context: Any) -> Any:
    text = parser_rule_context.getText()
    return json.loads(text) if text == "null" or text[:1] == '"' else text
