"""A lifecycle rule in CloudFormation's shape, and in that of S3's API."""

from __future__ import annotations

from localcloud.control.types.base import Properties, pick

SAME = (
    "Status",
    "AbortIncompleteMultipartUpload",
    "NoncurrentVersionExpiration",
)


def rule_to_api(rule: Properties) -> Properties:
    """CloudFormation's rule for the API; a key that has no place here stays, to be refused."""
    found = dict(rule)
    out = pick(found, *SAME)
    for name in SAME:
        found.pop(name, None)
    if "Id" in found:
        out["ID"] = found.pop("Id")
    expiration = {
        api: found.pop(ours)
        for ours, api in (
            ("ExpirationInDays", "Days"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if ours in found
    }
    if expiration:
        out["Expiration"] = expiration
    for name, days in (("Transitions", "Days"), ("NoncurrentVersionTransitions", "NoncurrentDays")):
        if name in found:
            out[name] = [_transition(each, days) for each in found.pop(name)]
    out["Filter"] = _filter(found)
    return out | found


def _transition(each: Properties, days: str) -> Properties:
    return {days if key == "TransitionInDays" else key: value for key, value in each.items()}


def _filter(found: Properties) -> Properties:
    parts: Properties = {}
    if "Prefix" in found:
        parts["Prefix"] = found.pop("Prefix")
    tags = found.pop("TagFilters", None)
    if not tags:
        return parts
    if len(tags) == 1 and not parts:
        return {"Tag": tags[0]}
    return {"And": parts | {"Tags": tags}}


def rule_from_api(rule: Properties) -> Properties:
    """Turn the API's rule into CloudFormation's shape."""
    out = pick(rule, *SAME)
    if "ID" in rule:
        out["Id"] = rule["ID"]
    expiration = rule.get("Expiration", {})
    if "Days" in expiration:
        out["ExpirationInDays"] = expiration["Days"]
    if "ExpiredObjectDeleteMarker" in expiration:
        out["ExpiredObjectDeleteMarker"] = expiration["ExpiredObjectDeleteMarker"]
    if "Transitions" in rule:
        out["Transitions"] = [
            {"TransitionInDays" if key == "Days" else key: value for key, value in each.items()}
            for each in rule["Transitions"]
        ]
    if "NoncurrentVersionTransitions" in rule:
        # CloudFormation calls the days TransitionInDays here too.
        out["NoncurrentVersionTransitions"] = [
            {"TransitionInDays" if k == "NoncurrentDays" else k: v for k, v in each.items()}
            for each in rule["NoncurrentVersionTransitions"]
        ]
    found = rule.get("Filter", {})
    inner = found.get("And", found)
    if "Prefix" in inner:
        out["Prefix"] = inner["Prefix"]
    tags = inner.get("Tags", [found["Tag"]] if "Tag" in found else [])
    return out | ({"TagFilters": tags} if tags else {})
