"""Athena's API over executions: moto keeps workgroups and names, the answers here are what ran."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moto.athena.models import athena_backends
from moto.athena.responses import AthenaResponse

from localcloud.engines.athena import results
from localcloud.engines.athena.catalog import GlueCatalog
from localcloud.engines.athena.errors import AthenaError
from localcloud.engines.athena.executions import DONE, Execution
from localcloud.engines.athena.runner import Runner
from localcloud.engines.athena.stored import body

WORKERS = 2
MOST_ROWS = 1000  # https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html


class InvalidRequest(Exception):  # noqa: N818 (the name that Athena gives it)
    """A request that Athena answers with InvalidRequestException."""


class Service:
    """All executions of one account and region.

    Parameters
    ----------
    account, region : str
    runner : Runner
    """

    def __init__(self, account: str, region: str, runner: Runner):
        self.account, self.region, self.runner = account, region, runner
        self.executions: dict[str, Execution] = {}
        self.tokens: dict[str, tuple[str, str]] = {}
        self.pool = ThreadPoolExecutor(WORKERS, "athena")
        self.lock = threading.Lock()

    def stop(self) -> None:
        """Cancel what runs and end the workers."""
        for execution in list(self.executions.values()):
            execution.stop()
        self.pool.shutdown(wait=True, cancel_futures=True)

    def start(self, given: dict[str, Any]) -> str:
        """StartQueryExecution.

        Raises
        ------
        InvalidRequest
        """
        token, asked = given.pop("ClientRequestToken", None), json.dumps(given, sort_keys=True)
        with self.lock:
            if token in self.tokens:
                before, id_ = self.tokens[token]
                if before != asked:
                    raise InvalidRequest("Idempotent parameters do not match")
                return id_
            execution, cutoff = self._new(given)
            self.executions[execution.id] = execution
            if token:
                self.tokens[token] = (asked, execution.id)
        catalog = GlueCatalog(self.account, self.region)
        self.pool.submit(self.runner.run, execution, catalog, cutoff)
        return execution.id

    def _new(self, given: dict[str, Any]) -> tuple[Execution, int | None]:
        name = given.get("WorkGroup") or "primary"
        group = athena_backends[self.account][self.region].work_groups.get(name)
        if group is None:
            raise InvalidRequest(f"WorkGroup {name} is not found.")
        if group.state != "ENABLED":
            raise InvalidRequest(f"WorkGroup {name} is disabled.")
        own = group.configuration
        if (own.get("ManagedQueryResultsConfiguration") or {}).get("Enabled"):
            raise InvalidRequest("Managed query results are not supported by the local cloud.")
        asked, set_ = given.get("ResultConfiguration") or {}, own.get("ResultConfiguration") or {}
        if own.get("EnforceWorkGroupConfiguration") or not asked.get("OutputLocation"):
            asked = set_ if own.get("EnforceWorkGroupConfiguration") else asked | set_
        if not asked.get("OutputLocation"):
            raise InvalidRequest(
                "No output location provided. An output location is required either through the "
                "Workgroup result configuration setting or as an API input."
            )
        cutoff = own.get("BytesScannedCutoffPerQuery")
        execution = Execution(
            given["QueryString"], given.get("QueryExecutionContext") or {}, name, dict(asked),
            given.get("ExecutionParameters") or [],
        )  # fmt: skip
        return execution, int(cutoff) if cutoff else None

    def find(self, id_: str) -> Execution:
        """An execution by its id.

        Raises
        ------
        InvalidRequest
        """
        if id_ not in self.executions:
            raise InvalidRequest(f"QueryExecution {id_} was not found")
        return self.executions[id_]

    def results(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetQueryResults: a page of rows out of the result's object.

        Raises
        ------
        InvalidRequest
        """
        execution = self.find(given["QueryExecutionId"])
        if execution.state not in DONE:
            raise InvalidRequest(f"Query has not yet finished. Current state: {execution.state}")
        if execution.state != "SUCCEEDED":
            raise InvalidRequest(
                f"Query did not finish successfully. Final query state: {execution.state}"
            )
        count = int(given.get("MaxResults") or MOST_ROWS)
        if not 1 <= count <= MOST_ROWS:
            raise InvalidRequest(f"MaxResults must be between 1 and {MOST_ROWS}")
        rows, more = self._page(execution, int(given.get("NextToken") or 0), count)
        shown = [{"Data": [{} if v is None else {"VarCharValue": v} for v in row]} for row in rows]
        metadata = {"ColumnInfo": results.column_info(execution.fields)}
        answer: dict[str, Any] = {"ResultSet": {"Rows": shown, "ResultSetMetadata": metadata}}
        answer["UpdateCount"] = (
            execution.rows if execution.subtype == "CREATE_TABLE_AS_SELECT" else 0
        )
        return answer | ({"NextToken": str(more)} if more is not None else {})

    def _page(
        self, execution: Execution, offset: int, count: int
    ) -> tuple[list[list[str | None]], int | None]:
        if execution.output is None or execution.rowless:
            return [], None
        try:
            path = body(execution.output).path
        except AthenaError as e:
            raise InvalidRequest(f"Could not find results: {execution.output}") from e
        if execution.header:
            return results.page(path, offset, count)
        lines = path.read_text().split("\n")[:-1]
        rows: list[list[str | None]] = [[line] for line in lines[offset : offset + count]]
        return rows, offset + count if offset + count < len(lines) else None

    def listed(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListQueryExecutions, the latest first."""
        group = given.get("WorkGroup") or "primary"
        ids = [e.id for e in reversed(list(self.executions.values())) if e.workgroup == group]
        start, most = int(given.get("NextToken") or 0), int(given.get("MaxResults") or 50)
        answer: dict[str, Any] = {"QueryExecutionIds": ids[start : start + most]}
        return answer | ({"NextToken": str(start + most)} if start + most < len(ids) else {})

    def batch(self, given: dict[str, Any]) -> dict[str, Any]:
        """BatchGetQueryExecution."""
        asked = given["QueryExecutionIds"]
        return {
            "QueryExecutions": [
                self.executions[i].describe() for i in asked if i in self.executions
            ],
            "UnprocessedQueryExecutionIds": [
                {
                    "QueryExecutionId": i,
                    "ErrorCode": "INVALID_INPUT",
                    "ErrorMessage": f"QueryExecution {i} was not found",
                }
                for i in asked
                if i not in self.executions
            ],
        }

    def runtime(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetQueryRuntimeStatistics: times and sizes; stages are DuckDB's own affair."""
        execution = self.find(given["QueryExecutionId"])
        told = execution.statistics()
        timeline = {k: v for k, v in told.items() if k.endswith("InMillis")}
        kept = execution.output if not execution.rowless else execution.manifest
        size = body(kept).size if kept else 0
        rows = {"InputBytes": execution.scanned, "OutputRows": execution.rows, "OutputBytes": size}
        return {"QueryRuntimeStatistics": {"Timeline": timeline, "Rows": rows}}


def install(service: Service) -> None:
    """Have moto's API answer with what really ran."""

    def stop(given: dict[str, Any]) -> dict[str, Any]:
        service.find(given["QueryExecutionId"]).stop()
        return {}

    actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "start_query_execution": lambda g: {"QueryExecutionId": service.start(g)},
        "get_query_execution": lambda g: {
            "QueryExecution": service.find(g["QueryExecutionId"]).describe()
        },
        "batch_get_query_execution": service.batch,
        "list_query_executions": service.listed,
        "stop_query_execution": stop,
        "get_query_results": service.results,
        "get_query_runtime_statistics": service.runtime,
        "list_databases": lambda g: {
            "DatabaseList": [{"Name": n} for n in _catalog(service).databases()]
        },
    }
    for name, action in actions.items():
        setattr(AthenaResponse, name, _answering(name, action))


def _catalog(service: Service) -> GlueCatalog:
    return GlueCatalog(service.account, service.region)


def _answering(
    name: str, action: Callable[[dict[str, Any]], dict[str, Any]]
) -> Callable[[Any], Any]:
    def answer(self: Any) -> Any:
        try:
            return json.dumps(action(json.loads(self.body or "{}")))
        except InvalidRequest as e:
            said = {
                "__type": "InvalidRequestException",
                "Message": str(e),
                "AthenaErrorCode": "INVALID_INPUT",
            }
            return json.dumps(said), {"status": 400}

    answer.__name__ = name
    return answer
