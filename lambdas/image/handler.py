"""The image function: answers CloudFormation's custom resource ``Custom::Image``.

CloudFormation waits until its ServiceTimeout for an answer that doesn't come, so there always is
one (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import boto3

from lambdas.image.build import Builder, Wanted

#: Seconds of a call that are left for stopping a build and answering.
_LEFT_S = 60.0
#: An answer may hold 4,096 bytes.
_REASON_CHARACTERS = 1500


def answer(event: dict[str, Any], builder: Builder, limit_s: float) -> dict[str, Any]:
    """Do what CloudFormation asks, and say how it went.

    Parameters
    ----------
    event : dict
        The request. Deleting keeps the image: its repository is emptied as it goes.
    builder : Builder
        Builds what isn't there.
    limit_s : float
        Seconds until a build is stopped.

    Returns
    -------
    dict
        The response to put: SUCCESS, or FAILED with its Reason.
    """
    asked = event.get("ResourceProperties", {})
    told = {
        # Another tag is another image, and the old one's Delete does nothing.
        "PhysicalResourceId": asked.get("Uri") or event.get("PhysicalResourceId") or "no-image",
        **{key: event.get(key) for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    try:
        if event["RequestType"] == "Delete":
            return {**told, "PhysicalResourceId": event["PhysicalResourceId"], "Status": "SUCCESS"}
        names = ("Project", "Repository", "Tag", "Uri", "Dockerfile")
        wanted = Wanted(*(asked[name] for name in names))
        built = builder.ensure(wanted, event["RequestId"], limit_s)
    except Exception as error:  # whatever it is, the stack must hear of it
        reason = f"{type(error).__name__}: {error}"[:_REASON_CHARACTERS]
        return {**told, "Status": "FAILED", "Reason": reason}
    data = {"Uri": wanted.uri, "Built": json.dumps(built)}
    return {**told, "Status": "SUCCESS", "Data": data}


def put(url: str, body: bytes) -> None:
    """Put a response where CloudFormation looks for it: a signed URL that fixes an empty type."""
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        url, data=body, method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        pass


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer CloudFormation."""
    left_s = context.get_remaining_time_in_millis() / 1000 - _LEFT_S
    builder = Builder(boto3.client("codebuild"), boto3.client("ecr"))
    response = answer(event, builder, left_s)
    print(json.dumps({"image": {k: v for k, v in response.items() if k != "StackId"}}))
    put(event["ResponseURL"], json.dumps(response).encode())
    return response
