"""Turns a fault inside moto or an engine into an answer that SDKs don't retry.

SDKs and the cdk retry a 500 up to ten times, which re-runs what failed and hides why. An
action that nobody built is 501; anything else that breaks is 400 with what broke, and its
traceback goes to the cloud's log.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

from localcloud.cloud import Application

XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


class Faults:
    """Stands before an application and answers for it where it raises."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """Answer, or say what broke."""
        try:
            return self._application(environ, start)
        except ConnectionError:
            raise
        except NotImplementedError as fault:
            return refuse(environ, start, "501 Not Implemented", "NotImplemented", str(fault))
        except Exception as fault:
            traceback.print_exc(file=sys.stderr)
            what = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            told = (
                f"While answering {what}, the local cloud broke: {type(fault).__name__}: {fault}. "
                "This is its own fault. Its log has the traceback."
            )
            return refuse(environ, start, "400 Bad Request", "LocalCloudFault", told)


def refuse(
    environ: dict[str, Any], start: Any, status: str, code: str, message: str
) -> Iterable[bytes]:
    """Answer an error in the protocol that the request speaks."""
    kind, body = "text/xml", _xml(environ, code, message)
    if _speaks_json(environ):
        kind, body = "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message})
    sent = body.encode()
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(len(sent))),
        ("x-amzn-ErrorType", code),
    ]
    start(status, headers)
    return [sent]


def _speaks_json(environ: dict[str, Any]) -> bool:
    scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split(",")[0]
    service = scope.split("/")[-2] if scope.count("/") >= 4 else "s3"
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    return "HTTP_X_AMZ_TARGET" in environ or (service != "s3" and not form)


def _xml(environ: dict[str, Any], code: str, message: str) -> str:
    error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return f"{XML}<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
    return f"{XML}<Error>{error}</Error>"
