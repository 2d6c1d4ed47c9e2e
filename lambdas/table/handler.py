"""The table function: answers CloudFormation's custom resource ``Custom::IcebergTable``.

CloudFormation waits an hour for an answer that doesn't come, so there always is one
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).
"""

from __future__ import annotations

import dataclasses
import functools
import json
import urllib.request
from collections.abc import Callable
from typing import Any

from pyiceberg.catalog import Catalog

from headrace.lake import glue_catalog
from lambdas.table.evolve import ensure

#: An answer may hold 4,096 bytes.
_REASON_CHARACTERS = 1500


def answer(event: dict[str, Any], catalog: Callable[[], Catalog]) -> dict[str, Any]:
    """Do what CloudFormation asks, and say how it went.

    Parameters
    ----------
    event : dict
        The request. Deleting keeps the table.
    catalog : callable
        Makes the catalog, once it is needed.

    Returns
    -------
    dict
        The response to put: SUCCESS, or FAILED with its Reason.
    """
    asked = event.get("ResourceProperties", {})
    name = f"{asked.get('Database')}.{asked.get('Table')}"
    told = {
        "PhysicalResourceId": event.get("PhysicalResourceId") or name,
        **{key: event.get(key) for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    try:
        if event["RequestType"] == "Delete":
            return {**told, "Status": "SUCCESS"}
        columns = [(column["Name"], column["Type"]) for column in asked["Columns"]]
        change = ensure(catalog(), asked["Database"], asked["Table"], asked["Location"], columns)
    except Exception as error:  # whatever it is, the stack must hear of it
        reason = f"{type(error).__name__}: {error}"[:_REASON_CHARACTERS]
        return {**told, "Status": "FAILED", "Reason": reason}
    data = {key: json.dumps(value) for key, value in dataclasses.asdict(change).items()}
    return {**told, "PhysicalResourceId": name, "Status": "SUCCESS", "Data": data}


def put(url: str, body: bytes) -> None:
    """Put a response where CloudFormation looks for it: a signed URL that fixes an empty type."""
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        url, data=body, method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        pass


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer CloudFormation."""
    response = answer(event, functools.cache(glue_catalog))
    print(json.dumps({"table": {k: v for k, v in response.items() if k != "StackId"}}))
    put(event["ResponseURL"], json.dumps(response).encode())
    return response
