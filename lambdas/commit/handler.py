"""The commit function: messages of a FIFO queue, appended table by table.

The queue has one message group a table and delivers a group to one call at a time, so there is
one committer a table however many calls run. A table's messages count as failed from the first
that is not done: the queue then delivers these again, in order
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
"""

from __future__ import annotations

import functools
import json
import os
import time
from dataclasses import dataclass
from typing import Any

import boto3
from pyiceberg.catalog import Catalog

from headrace.lake import glue_catalog
from lambdas.commit.append import Outcome, append, read_staged
from lambdas.commit.resend import Message, MessageError, parse


@dataclass(frozen=True)
class Committer:
    """All that outlives one call: never the marks."""

    catalog: Catalog
    s3: Any
    bucket: str
    database: str

    def commit(self, event: dict[str, Any]) -> tuple[list[str], dict[str, Outcome]]:
        """Commit one event.

        Returns
        -------
        failed : list of str
            Ids of the messages that must come again.
        outcomes : dict
            What became of each group.
        """
        groups: dict[str, list[dict[str, Any]]] = {}
        for record in event["Records"]:
            groups.setdefault(record["attributes"]["MessageGroupId"], []).append(record)
        outcomes = {group: self._group(records) for group, records in groups.items()}
        failed = [
            record["messageId"]
            for group, records in groups.items()
            for record in records[outcomes[group].committed :]
        ]
        return failed, outcomes

    def _group(self, records: list[dict[str, Any]]) -> Outcome:
        """Commit the messages of one table."""
        messages: list[Message] = []
        unread: Exception | None = None
        for record in records:
            try:
                message = parse(record["body"])
                if message.table != record["attributes"]["MessageGroupId"]:
                    raise MessageError(
                        f"While reading a message, found {message.table} in the "
                        "group of another table. Only land sends to this queue."
                    )
            except MessageError as error:
                unread = error
                break
            messages.append(message)
        if not messages:
            return Outcome(error=unread)
        outcome = append(
            self.catalog,
            (self.database, messages[0].table),
            messages,
            functools.partial(read_staged, self.s3, self.bucket),
        )
        outcome.error = outcome.error or unread
        return outcome


@functools.cache
def _deployed() -> Committer:
    return Committer(
        glue_catalog(), boto3.client("s3"), os.environ["LAKE_BUCKET"], os.environ["DATABASE"]
    )


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer the event source mapping."""
    began = time.perf_counter()
    failed, outcomes = _deployed().commit(event)
    for table, outcome in outcomes.items():
        told = {
            "table": table,
            "messages": outcome.committed,
            "rows": outcome.rows,
            "resent": outcome.resent,
            "seconds": round(time.perf_counter() - began, 3),
        }
        if outcome.error:
            told["error"] = f"{type(outcome.error).__name__}: {outcome.error}"
        print(json.dumps({"commit": told}))
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}
