"""Puts CloudFormation in place: its API, the page for custom resources' answers, `stored`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from localcloud.cloud import Cloud
from localcloud.control.api import application
from localcloud.control.control import Control
from localcloud.control.types.custom import mailbox_of
from localcloud.control.types.registry import stored


def install(cloud: Cloud) -> None:
    """Answer CloudFormation in moto's place.

    ``GET /_localcloud/stored`` lists what deployed stacks say and the local cloud only
    stores: ``[{"stack", "logical_id", "type", "property", "why"}]``.
    """
    from localcloud.control import patches

    patches.install(cloud)
    control = Control(cloud)
    cloud.apps["cloudformation"] = application(control)
    mailbox_of(cloud)

    def page(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        body = json.dumps(list(_stored(control))).encode()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    cloud.pages["stored"] = page


def _stored(control: Control) -> Iterable[dict[str, str]]:
    for stack in control.store.living():
        for each in stack.resources.values():
            for name, why in stored(each.type, each.properties).items():
                yield {
                    "stack": stack.name,
                    "logical_id": each.logical_id,
                    "type": each.type,
                    "property": name,
                    "why": why,
                }
