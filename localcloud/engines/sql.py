"""Athena: statements parsed as Athena's, answered by DuckDB out of the stored objects' files.

StartQueryExecution ─ athena.api ─▶ athena.runner, two at a time
    athena.translate: Athena's SQL and Glue's schema ─▶ DuckDB's SQL
    athena.iceberg, athena.hive: which files, by path
result ─▶ CSV in S3 ─▶ GetQueryResults
"""

from __future__ import annotations

from typing import Any

from moto.athena.models import athena_backends

from localcloud.cloud import Cloud
from localcloud.engines import objects
from localcloud.engines.athena import api
from localcloud.engines.athena.runner import Runner


def install(cloud: Cloud) -> None:
    """Put Athena's engine in the place of moto's instant success."""

    def prepared(workgroup: str, name: str) -> str | None:
        held: Any = athena_backends[cloud.account][cloud.region].prepared_statements.get(name)
        return str(held.query_statement) if held and held.workgroup == workgroup else None

    runner = Runner(objects.folder_of(cloud), cloud.data / "athena", prepared)
    service = api.Service(cloud.account, cloud.region, runner)
    api.install(service)
    cloud.on_stop(service.stop)
