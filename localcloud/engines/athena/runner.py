"""Runs a statement from start to end: what Athena's workers do."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from localcloud.engines import objects
from localcloud.engines.athena import ddl, ddl_as, engine, results, statements, writing
from localcloud.engines.athena.catalog import GlueCatalog
from localcloud.engines.athena.errors import AthenaError, Cancelled, not_supported
from localcloud.engines.athena.executions import Execution, reason
from localcloud.engines.athena.stored import split_url, under
from localcloud.engines.athena.translate import CATALOG, Translation, translate
from localcloud.engines.athena.words import with_parameters
from localcloud.engines.objects_body import Folder

ROWS_AT_A_TIME = 5_000


class Runner:
    """Runs statements.

    Parameters
    ----------
    folder : Folder
        Where objects lie.
    scratch : Path
        A folder for what DuckDB spills and for results until they are objects.
    prepared : callable
        Gives the SQL of a workgroup's prepared statement, or None.
    """

    def __init__(self, folder: Folder, scratch: Path, prepared: Any):
        self.folder, self.scratch, self.prepared = folder, scratch, prepared

    def run(self, execution: Execution, catalog: GlueCatalog, cutoff: int | None) -> None:
        """Run one execution to its end; whatever happens is its state.

        Parameters
        ----------
        execution : Execution
        catalog : GlueCatalog
        cutoff : int or None
            Bytes that the workgroup lets a query scan.
        """
        if not execution.begin():
            return
        work = self.scratch / execution.id
        work.mkdir(parents=True, exist_ok=True)
        try:
            _Run(self, execution, catalog, cutoff, work).run()
            execution.end()
        except duckdb.InterruptException:
            execution.end(Cancelled())
        except duckdb.Error as e:
            execution.end(engine.failure(e))
        except Exception as e:
            if not isinstance(e, (AthenaError, Cancelled)):
                traceback.print_exc()
            execution.end(reason(e))
        finally:
            shutil.rmtree(work, ignore_errors=True)


class _Run:
    def __init__(
        self,
        runner: Runner,
        execution: Execution,
        catalog: GlueCatalog,
        cutoff: int | None,
        work: Path,
    ):
        self.runner, self.execution, self.catalog = runner, execution, catalog
        self.cutoff, self.work = cutoff, work
        self.database = (execution.context.get("Database") or "default").lower()

    def run(self) -> None:
        """Tell what it is, and do it."""
        given = self.execution.context.get("Catalog", CATALOG)
        if given.lower() != CATALOG:
            raise not_supported(f"Catalog '{given}'")
        statement = statements.read(self.execution.query)
        values: Sequence[str] = self.execution.parameters
        if isinstance(statement, statements.Execute):
            sql = self.runner.prepared(self.execution.workgroup, statement.name)
            if sql is None:
                raise AthenaError("NOT_FOUND", f"Prepared statement not found: {statement.name}")
            values = statement.values or values
            statement = statements.read(sql)
        self.execution.type, self.execution.subtype = statement.type, statement.subtype  # type: ignore[union-attr]
        if isinstance(statement, statements.Query):
            return self._select(_given(statement.sql, values))
        if isinstance(statement, statements.Unload):
            return self._unload(statement, values)
        if isinstance(statement, statements.CreateTableAs):
            return self._create(statement, values)
        return self._change(statement)  # type: ignore[arg-type]

    def _connected(self, query: Translation) -> Any:
        """A connection that has the query's tables; counts the bytes that it will read."""
        relations = [s.table.relation(s.source.used, s.conditions) for s in query.scans]
        scanned = sum(r.scanned for r in relations)
        if self.cutoff is not None and scanned > self.cutoff:
            raise Cancelled("Query cancelled! : Bytes scanned limit was exceeded")
        manager = engine.connection([self.runner.folder.root], self.work)
        return (
            manager,
            [(s.name, r.sql) for s, r in zip(query.scans, relations, strict=True)],
            scanned,
        )

    def _rows(self, con: duckdb.DuckDBPyConnection, sql: str) -> Iterator[Sequence[Any]]:
        cursor = con.execute(sql)
        while block := cursor.fetchmany(ROWS_AT_A_TIME):
            yield from block

    def _with(self, query: Translation, work: Any) -> Any:
        manager, relations, scanned = self._connected(query)
        self.execution.planned = time.time()
        with manager as con:
            self.execution.interruptible(con.interrupt)
            for name, sql in relations:
                con.execute(f"CREATE TEMP VIEW {name} AS {sql}")
            done = work(con)
            self.execution.interruptible(None)
        self.execution.scanned, self.execution.run = scanned, time.time()
        return done

    def _select(self, sql: str) -> None:
        query = translate(sql, self.catalog, self.database)
        path = self.work / "result.csv"
        fields = query.fields
        self.execution.rows = self._with(
            query, lambda con: results.write(path, fields, self._rows(con, query.sql))
        )
        self.execution.fields = fields
        self.execution.output = self._keep(path, ".csv", "application/octet-stream")

    def _output(self, suffix: str) -> str:
        folder = self.execution.configuration["OutputLocation"].rstrip("/")
        return f"{folder}/{self.execution.id}{suffix}"

    def _keep(self, path: Path, suffix: str, kind: str) -> str:
        """Put a result where the configuration says, and return its URL."""
        url = self._output(suffix)
        bucket, key = split_url(url)
        _put(self.runner.folder, bucket, key, path, kind, self._encryption())
        return url

    def _encryption(self) -> dict[str, str]:
        """The result's encryption, as moto's S3 takes it."""
        given = self.execution.configuration.get("EncryptionConfiguration") or {}
        option = given.get("EncryptionOption")
        if option is None:
            return {}
        known = {"SSE_S3": "AES256", "SSE_KMS": "aws:kms"}
        if option not in known:
            raise not_supported(f"EncryptionOption {option}")
        key = {"kms_key_id": given["KmsKey"]} if given.get("KmsKey") else {}
        return {"encryption": known[option]} | key

    def _write(self, query: Translation, shape: writing.Shape, location: str) -> None:
        """Write a query's rows under a location, and the manifest that lists the files."""
        bucket, prefix = split_url(location)
        prefix = prefix.rstrip("/") + "/" if prefix.rstrip("/") else ""
        folder = writing.fresh(self.work / "out")
        count = self._with(
            query,
            lambda con: con.execute(
                writing.copy(query.sql, query.fields, shape, folder)
            ).fetchone(),
        )
        self.execution.rows = int(count[0])
        made = writing.written(folder, shape, prefix) if self.execution.rows else []
        for path, key in made:
            _put(
                self.runner.folder,
                bucket,
                key,
                path,
                "application/octet-stream",
                self._encryption(),
            )
        manifest = self.work / "manifest"
        manifest.write_text("".join(f"s3://{bucket}/{key}\n" for _, key in made))
        self.execution.manifest = self._keep(manifest, "-manifest.csv", "text/csv")
        self.execution.output, self.execution.rowless = self._output(""), True

    def _unload(self, statement: statements.Unload, values: Sequence[str]) -> None:
        given = dict(statement.properties)
        shape = writing.Shape(
            str(given.pop("format", "")).lower(),
            str(given.pop("compression", "gzip")).lower(),
            _listed(given.pop("partitioned_by", ())),
        )
        if given:
            raise not_supported(f"UNLOAD property {', '.join(given)}")
        query = translate(_given(statement.sql, values), self.catalog, self.database)
        shape.check(query.fields)
        _empty(statement.location, "Target directory for UNLOAD")
        self._write(query, shape, statement.location)

    def _create(self, statement: statements.CreateTableAs, values: Sequence[str]) -> None:
        plan = ddl_as.table_as(
            statement,
            self.catalog,
            self.database,
            self._output("").replace(self.execution.id, f"tables/{self.execution.id}/"),
        )
        if plan is None:
            return
        query = translate(_given(statement.sql, values), self.catalog, self.database)
        if any(n.startswith("_col") for n, _ in query.fields):
            raise AthenaError("MISSING_COLUMN_NAME", "Column name not specified at position 1")
        plan.shape.check(query.fields)
        _empty(plan.location, "Target directory for table")
        if statement.data:
            self._write(query, plan.shape, plan.location)
        ddl_as.register(plan, query.fields, self.catalog)

    def _change(self, change: statements.Change) -> None:
        fields, lines = ddl.run(change, self.catalog, self.database)
        self.execution.header, self.execution.fields, self.execution.rows = (
            False,
            fields,
            len(lines),
        )
        path = self.work / "result.txt"
        path.write_text("".join(f"{line}\n" for line in lines))
        self.execution.output = self._keep(path, ".txt", "text/plain")


def _given(sql: str, values: Sequence[str]) -> str:
    return with_parameters(sql, values)


def _listed(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (value,)


def _empty(location: str, what: str) -> None:
    if under(location):
        raise AthenaError("HIVE_PATH_ALREADY_EXISTS", f"{what} '{location}' already exists")


def _put(
    folder: Folder, bucket: str, key: str, path: Path, kind: str, encryption: dict[str, str]
) -> None:
    from moto.s3.exceptions import MissingBucket

    try:
        objects.put_file(folder, bucket, key, path, kind, **encryption)
    except MissingBucket as e:
        raise AthenaError(
            "PERMISSION_DENIED",
            f"Unable to verify/create output bucket {bucket}",
        ) from e
