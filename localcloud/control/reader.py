"""Reads what a caller asks a stack to become: template, parameters, tags."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.control import parameters, template
from localcloud.control.errors import ApiError, Refused
from localcloud.control.stacks import Request, Stack

#: What a caller may ask for and nothing here would do. ImportExistingResources isn't among them,
#: as the cdk's bootstrap asks for it: a resource that exists fails the deploy by its name.
REFUSED = (
    "NotificationARNs",
    "OnStackFailure",
    "ResourcesToImport",
    "RollbackConfiguration",
    "StackPolicyBody",
    "TimeoutInMinutes",
)


NOT_ASKED: tuple[Any, ...] = (None, "", [], {}, False, "false")


def said(words: dict[str, Any], name: str) -> bool:
    """Whether a caller says yes to something; the cdk spells its booleans out."""
    return str(words.get(name, "false")).lower() == "true"


class Reader:
    """Reads requests, with the help of the cloud's bucket and parameters."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def request(self, words: dict[str, Any], stack: Stack) -> Request:
        """Read what CreateChangeSet, CreateStack and UpdateStack have in common.

        Raises
        ------
        ApiError
            Where it can't be read or honoured.
        """
        old = stack.request
        try:
            wanted = old.template if said(words, "UsePreviousTemplate") else self.template(words)
            given = {}
            for each in words.get("Parameters", []):
                name = each["ParameterKey"]
                kept = said(each, "UsePreviousValue")
                given[name] = old.texts.get(name, "") if kept else each.get("ParameterValue", "")
            texts, values = parameters.values_of(wanted.parameters, given, self.parameter)
        except Refused as fault:
            raise ApiError(str(fault)) from fault
        _refuse(words)
        tags = {tag["Key"]: tag["Value"] for tag in words.get("Tags", [])}
        keep_failed = said(words, "DisableRollback")
        return Request(wanted, texts, values, tags, words.get("RoleARN", ""), (), keep_failed)

    def parameter(self, name: str) -> str:
        """Look a Systems Manager parameter up."""
        ssm = self._cloud.client("ssm")
        try:
            return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound as fault:
            raise ApiError(
                f"Unable to fetch parameters [{name}] from parameter store for this account."
            ) from fault

    def template(self, words: dict[str, Any]) -> template.Template:
        """Read the template of a request, from its body or from a bucket."""
        body = words.get("TemplateBody")
        if body is None:
            if "TemplateURL" not in words:
                raise ApiError("Either Template URL or Template Body must be specified.")
            bucket, key = bucket_and_key(words["TemplateURL"])
            try:
                got = self._cloud.client("s3").get_object(Bucket=bucket, Key=key)
            except ClientError as fault:
                raise ApiError(f"S3 error: {fault.response['Error'].get('Message')}") from fault
            body = got["Body"].read().decode()
        return template.parse(body)


def _refuse(words: dict[str, Any]) -> None:
    for name in REFUSED:
        if words.get(name) not in NOT_ASKED:
            raise ApiError(str(Refused.of(name)))
    if words.get("DeploymentMode"):
        raise ApiError(str(Refused.of(f"The deployment mode {words['DeploymentMode']}")))
    mode = (words.get("DeploymentConfig") or {}).get("Mode", "STANDARD")
    if mode != "STANDARD":
        raise ApiError(str(Refused.of(f"The deployment mode {mode}")))


def bucket_and_key(url: str) -> tuple[str, str]:
    """Split a template's URL: path-style on any host, or AWS's virtual-hosted style."""
    parts = urlsplit(url)
    path = unquote(parts.path).lstrip("/")
    host = parts.hostname or ""
    virtual = re.fullmatch(r"(.+)\.s3[.-](?:[a-z0-9-]+\.)?(?:amazonaws\.com|localhost)", host)
    if virtual:
        return virtual[1], path
    bucket, _, key = path.partition("/")
    return bucket, key
