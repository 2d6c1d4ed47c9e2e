"""CloudFormation's words as an API's, and back.

Templates write `MaxvCpus: "64"` where an API wants ``maxvCpus: 64``: CloudFormation coerces, by
the types that the API's model knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def shaped(client: Any, operation: str, words: Mapping[str, Any]) -> dict[str, Any]:
    """Coerce an operation's words to the types of its input; what it doesn't know stays.

    Parameters
    ----------
    client
        boto3's, of the service.
    operation : str
        As ``CreateProject``.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    found: dict[str, Any] = _coerced(dict(words), shape)
    return found


def _coerced(value: Any, shape: Any) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        known = shape.members
        return {k: _coerced(v, known[k]) if k in known else v for k, v in value.items()}
    if kind == "list" and isinstance(value, list):
        return [_coerced(each, shape.member) for each in value]
    if kind == "map" and isinstance(value, Mapping):
        return {key: _coerced(each, shape.value) for key, each in value.items()}
    return _scalar(value, kind)


def _scalar(value: Any, kind: str) -> Any:
    if isinstance(value, dict | list):
        return value  # boto3 says what is wrong with it
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind == "boolean":
        return str(value).lower() == "true"
    if kind == "string" and isinstance(value, bool):
        return str(value).lower()
    return str(value) if kind == "string" else value


def upper_first(value: Any, keep: Iterable[str] = ()) -> Any:
    """An API's camelCase as CloudFormation's PascalCase; maps named in `keep` stay whole."""
    if isinstance(value, Mapping):
        return {
            key[:1].upper() + key[1:]: inner if key in keep else upper_first(inner, keep)
            for key, inner in value.items()
        }
    return [upper_first(item, keep) for item in value] if isinstance(value, list) else value
