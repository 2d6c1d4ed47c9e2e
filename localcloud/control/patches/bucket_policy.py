"""moto enforces a bucket's policy but ignores its conditions, so `enforce_ssl` denies each PUT.

Here a statement takes effect where its principal, action, resource and conditions match, as
on AWS. A condition that can't be evaluated is refused when the policy is put. One exemption:
a statement about `aws:SecureTransport` is stored and not enforced, since a loopback endpoint
speaks plain HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from localcloud.cloud import Cloud
from localcloud.control.patches import conditions, put

EXEMPT = "aws:securetransport"


def install(cloud: Cloud) -> None:
    """Evaluate bucket policies whole."""
    from moto.iam.access_control import PermissionResult
    from moto.s3.exceptions import S3ClientError
    from moto.s3.models import FakeBucket, S3Backend

    context = conditions.context_of(cloud)
    stock_put = S3Backend.put_bucket_policy

    def put_bucket_policy(self: Any, bucket_name: str, policy: bytes) -> None:
        try:
            unknown = unknown_conditions(policy, context)
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise _error(S3ClientError, 400, "MalformedPolicy", str(fault)) from fault
        if unknown:
            told = f"A bucket policy's condition {unknown} can't be honoured by the local cloud."
            raise _error(S3ClientError, 501, "NotImplemented", told)
        stock_put(self, bucket_name, policy)

    def get_permission(self: Any, action: str, resource: str) -> Any:
        if self.policy is None:
            return PermissionResult.NEUTRAL
        effects = set(effects_of(self.policy, action, resource, context))
        if "Deny" in effects:
            return PermissionResult.DENIED
        return PermissionResult.PERMITTED if "Allow" in effects else PermissionResult.NEUTRAL

    put(S3Backend, "put_bucket_policy", put_bucket_policy)
    put(FakeBucket, "get_permission", get_permission)


def _error(kind: type[Exception], status: int, code: str, told: str) -> Exception:
    error = kind(code, told)
    error.code = status  # type: ignore[attr-defined]
    return error


def _statements(policy: str | bytes) -> list[dict[str, Any]]:
    found = json.loads(policy)["Statement"]
    return found if isinstance(found, list) else [found]


def _exempt(statement: dict[str, Any]) -> bool:
    keys = [key.lower() for each in statement.get("Condition", {}).values() for key in each]
    return EXEMPT in keys


def unknown_conditions(policy: str | bytes, context: dict[str, str]) -> str:
    """Name the first condition that can't be evaluated, or nothing."""
    for statement in _statements(policy):
        if not _exempt(statement):
            unknown = conditions.unknown(statement.get("Condition", {}), context)
            if unknown:
                return unknown
    return ""


def effects_of(
    policy: str | bytes, action: str, resource: str, context: dict[str, str]
) -> Iterator[str]:
    """Effects of the statements that match a request by the account itself."""
    for statement in _statements(policy):
        if (
            not _exempt(statement)
            and _is_caller(statement, context)
            and _names(statement, "Action", action)
            and _names(statement, "Resource", resource)
            and conditions.hold(statement.get("Condition", {}), context)
        ):
            yield statement["Effect"]


def _names(statement: dict[str, Any], element: str, value: str) -> bool:
    negated = f"Not{element}"
    patterns = _listed(statement.get(element, statement.get(negated, [])))
    found = any(conditions.like(value, pattern) for pattern in patterns)
    return found if element in statement else not found


def _is_caller(statement: dict[str, Any], context: dict[str, str]) -> bool:
    """Everybody, or this account; callers on a laptop are nobody else."""
    account = context["aws:principalaccount"]
    named = statement.get("Principal", statement.get("NotPrincipal", "*"))
    texts = _listed(named.get("AWS", [])) if isinstance(named, dict) else _listed(named)
    mine = any(text in ("*", account, f"arn:aws:iam::{account}:root") for text in texts)
    return mine if "NotPrincipal" not in statement else not mine


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value]
