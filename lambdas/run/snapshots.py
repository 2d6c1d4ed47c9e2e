"""Which snapshot a table has and how large it is, as an Iceberg client would read it."""

from __future__ import annotations

import json
from typing import Any


class SnapshotError(RuntimeError):
    """A table's snapshot can't be told."""


def current(glue: Any, s3: Any, database: str, table: str) -> int | None:
    """The id of a table's current snapshot; None where it has none yet.

    Glue's parameter ``metadata_location`` names the table's metadata file, whose
    ``current-snapshot-id`` is absent, null or -1 where there is none
    (https://iceberg.apache.org/spec/#table-metadata-fields).

    Raises
    ------
    SnapshotError
        Where the table isn't there, or isn't Iceberg's.
    """
    number = _metadata(glue, s3, database, table).get("current-snapshot-id")
    return None if number in (None, -1) else int(number)


def size(glue: Any, s3: Any, database: str, table: str, snapshot: int) -> int:
    """Bytes of a snapshot's data files, as its summary tells them; 0 where it doesn't.

    ``total-files-size`` is optional (https://iceberg.apache.org/spec/#optional-snapshot-summary-fields).

    Raises
    ------
    SnapshotError
        Where the table isn't there, or isn't Iceberg's.
    """
    for told in _metadata(glue, s3, database, table).get("snapshots", []):
        if told["snapshot-id"] == snapshot:
            return int(told.get("summary", {}).get("total-files-size", 0))
    return 0


def _metadata(glue: Any, s3: Any, database: str, table: str) -> dict[str, Any]:
    try:
        found = glue.get_table(DatabaseName=database, Name=table)["Table"]
    except glue.exceptions.EntityNotFoundException as error:
        raise SnapshotError(
            f"While pinning table {database}.{table}, found no such table. Deploy the study's "
            "data stack."
        ) from error
    location = found.get("Parameters", {}).get("metadata_location", "")
    bucket, _, key = location.removeprefix("s3://").partition("/")
    if not key:
        raise SnapshotError(
            f"While pinning table {database}.{table}, found no metadata_location: it is no Iceberg "
            "table. Delete it, and deploy the study's data stack."
        )
    told: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return told
