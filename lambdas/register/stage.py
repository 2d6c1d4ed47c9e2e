"""One stage's end, in an order in which each step may be done twice.

::

too many failed? ─▶ table ─▶ quarantine ─▶ runs ─▶ done.json
"""

from __future__ import annotations

import datetime
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import And, EqualTo, Reference
from pyiceberg.expressions.literals import literal

from headrace.lake import (
    ITEM,
    QUARANTINE,
    RUN_MARK,
    RUNS,
    STARTED_MARK,
    arrow_schema,
    get_json,
)
from lambdas.register import cost, done, result
from lambdas.register.checksum import Checksum, rechunked
from lambdas.register.cluster_outputs import BAD, ClusterOutputs
from lambdas.register.commits import Try, replace_rows, replace_table
from lambdas.register.outputs import Outputs, Totals


class TooManyFailed(RuntimeError):  # noqa: N818 - the name that the run shows
    """More of a stage's items failed than it tolerates."""


@dataclass(frozen=True)
class Lake:
    """All that outlives one call."""

    plan: Mapping[str, Any]
    catalog: Catalog
    s3: Any
    athena: Any
    bucket: str
    database: str
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class End:
    """A stage of a run that is to be registered.

    Parameters
    ----------
    lake : Lake
    stage : mapping
        From the deployed plan.
    run : str
    try_ : str
        ``<attempt>-<8 hex>``.
    prefix : str
        Of the try.
    started : str
        When the stage was prepared, in ISO 8601.
    asked : mapping
        Athena's query and what it scanned; empty where there was none.
    """

    lake: Lake
    stage: Mapping[str, Any]
    run: str
    try_: str
    prefix: str
    started: str
    asked: Mapping[str, Any]

    def register(self, now: Callable[[], datetime.datetime]) -> dict[str, Any]:
        """Register it.

        Parameters
        ----------
        now : callable
            Gives the time.

        Returns
        -------
        dict
            ``rows``, ``quarantined``, ``snapshot``, ``checksum``.

        Raises
        ------
        TooManyFailed, OutputsError
            Before anything is written.
        Superseded
            Where a later try has registered the stage.
        """
        prepared = get_json(self.lake.s3, self.lake.bucket, f"{self.prefix}prepared.json")
        if prepared is None:
            raise FileNotFoundError(
                f"While registering stage {self._name}, found no {self.prefix}prepared.json. "
                "Run the stage again."
            )
        made = {"query": lambda: self._query(prepared), "map": self._map}
        row = made.get(self.stage["kind"], lambda: self._program(prepared, now))()
        more: dict[str, Any] = {name: row.pop(name) for name in ("results", "facts") if name in row}
        row |= {
            "run": self.run,
            "stage": self._name,
            "attempt": int(self.try_.partition("-")[0]),
            "kind": self.stage["kind"],
            "seed": self.lake.plan["seed"],
            "params": json.dumps(self.stage.get("params", {}), sort_keys=True),
            "sql": prepared["sql"] or None,
            "snapshots": json.dumps(prepared["snapshots"], sort_keys=True),
            "scanned_bytes": self.asked.get("scanned_bytes", 0),
            "started": datetime.datetime.fromisoformat(self.started),
            "ended": now(),
        }
        self._note(row)
        return self._done(row, prepared, more)

    @property
    def _name(self) -> str:
        return str(self.stage["name"])

    @property
    def _by(self) -> Try:
        return Try(self.run, self._name, self.try_, self.started)

    def _check(self) -> None:
        """Refuse where a later try of this run's stage has its table or is done.

        Another run's is no matter here: what is kept of this one is kept under its own name.
        """
        if self.stage["kind"] != "query":
            told = self.lake.catalog.load_table((self.lake.database, self._name)).properties
            if (mark := told.get(RUN_MARK, "")).startswith(f"{self.run}/"):
                self._by.yields_to(mark, told.get(STARTED_MARK))
        done.check(self.lake.s3, self.lake.bucket, self._by)

    def _map(self) -> dict[str, Any]:
        outputs = Outputs(self.lake.s3, self.lake.bucket, self.prefix, self._name)
        facts, totals = outputs.facts(), outputs.totals()
        self._judge(totals, outputs)
        bad = pa.concat_tables([_NONE, *outputs.bad()])  # read first: it may contradict itself
        schema = arrow_schema([*self.stage["columns"], *ITEM])
        checksum, snapshot = self._replace(outputs.rows, schema)
        self._quarantine(bad)
        engine_s = totals.ms / 1000
        usd = cost.map_usd(
            self.lake.plan["prices"],
            engine_s,
            self.stage["memory_mib"],
            len(outputs.batches),
            len(facts["files"]),
        )
        if self.asked:
            usd += cost.athena_usd(self.lake.plan["prices"], self.asked["scanned_bytes"])
        told: dict[str, Any] = {"quarantined": bad.num_rows, "bytes_out": totals.bytes_out}
        told |= {"engine_s": engine_s, "cost_usd": usd}
        return self._made(facts, checksum, snapshot) | told

    def _made(self, facts: Mapping[str, Any], checksum: Checksum, snapshot: int) -> dict[str, Any]:
        told = ("code", "engine", "workers", "items", "bytes_in", "input_checksum")
        return {name: facts[name] for name in told} | {
            "table": self._name,
            "libraries": json.dumps(facts["libraries"], sort_keys=True),
            "files": json.dumps(facts["files"]),
            "rows_out": checksum.rows,
            "output_checksum": checksum.hex(),
            "snapshot": snapshot,
        }

    def _program(
        self, prepared: Mapping[str, Any], now: Callable[[], datetime.datetime]
    ) -> dict[str, Any]:
        """What a program on the cluster or in containers gave."""
        outputs = ClusterOutputs(self.lake.s3, self.lake.bucket, self.prefix, self.stage)
        facts, noted = dict(outputs.facts()), outputs.noted()
        since_s = (now() - datetime.datetime.fromisoformat(self.started)).total_seconds()
        outputs.look()
        if "container" in prepared:
            facts["libraries"] = outputs.libraries()
        if len(outputs.bad) > self.stage["tolerate"] * outputs.count:
            raise TooManyFailed(
                f"While registering stage {self._name}, found {len(outputs.bad)} of "
                f"{outputs.count} rows that are none, where tolerate={self.stage['tolerate']:g}; "
                f"the first says: {outputs.bad[0][1]}. Correct the program, or tolerate more."
            )
        schema = arrow_schema(self.stage["columns"])
        checksum, snapshot = self._replace(outputs.rows, schema)
        self._quarantine(outputs.bad_rows())
        engine_s, usd = self._paid(prepared, noted, max(since_s, 0.0))
        if self.asked:
            usd += cost.athena_usd(self.lake.plan["prices"], self.asked["scanned_bytes"])
        told: dict[str, Any] = {"quarantined": len(outputs.bad), "bytes_out": outputs.bytes_out}
        told |= {"engine_s": engine_s, "cost_usd": usd, "facts": noted}
        return self._made(facts, checksum, snapshot) | told

    def _paid(
        self, prepared: Mapping[str, Any], noted: Mapping[str, Any], since_s: float
    ) -> tuple[float, float]:
        """Seconds of a program, and USD.

        On a cluster the seconds are all since it was prepared: its UNLOAD, its steps, and waiting
        for them. A job's are what `boot` measured.
        """
        prices = self.lake.plan["prices"]
        if (told := prepared.get("container")) is None:
            cluster, steps = self.lake.plan["cluster"], len(self.stage.get("steps", [0]))
            usd = cost.program_usd(prices, since_s, cluster["core"], cluster["usd_h"], steps)
            return since_s, usd
        engine_s = float(noted.get("program_s", since_s))
        size = cost.Size(told["platform"], told["vcpus"], told["memory_mib"], told.get("usd_h"))
        return engine_s, cost.job_usd(prices, engine_s, told["count"], size)

    def _judge(self, totals: Totals, outputs: Outputs) -> None:
        """Refuse a table that lacks more than is tolerated."""
        if totals.failed <= self.stage["tolerate"] * totals.items:
            return
        first = next((t for t in outputs.bad() if t.num_rows), None)
        said = first.column("reason")[0].as_py() if first else "nothing"
        raise TooManyFailed(
            f"While registering stage {self._name}, found {totals.failed} of {totals.items} items "
            f"failed, where tolerate={self.stage['tolerate']:g}; the first says: {said}. Correct "
            "the function or its items, or tolerate more."
        )

    def _replace(
        self, given: Callable[[], Iterator[pa.RecordBatch]], schema: pa.Schema
    ) -> tuple[Checksum, int]:
        """Write the table; the checksum is of the rows that were written last."""
        taken = [Checksum(schema)]

        def rows() -> Iterator[pa.RecordBatch]:
            taken[0] = Checksum(schema)
            for chunk in rechunked(given()):
                taken[0].add(chunk)
                yield chunk

        snapshot = replace_table(
            self.lake.catalog,
            (self.lake.database, self._name),
            rows,
            schema,
            self._by,
            self.lake.sleep,
        )
        return taken[0], snapshot

    def _quarantine(self, bad: pa.Table) -> None:
        """Write what failed."""
        source = f"run/{self.run}/{self._name}"
        rows = bad.append_column("_source", pa.array([source] * bad.num_rows, pa.string()))
        those = EqualTo(term=Reference("_source"), value=literal(source))
        name = (self.lake.database, QUARANTINE)
        replace_rows(self.lake.catalog, name, those, rows, self._check, self.lake.sleep)

    def _query(self, prepared: Mapping[str, Any]) -> dict[str, Any]:
        found = result.read(self.lake.athena, self.lake.s3, self.asked["query"])
        # Athena's own results expire; what a run answered is kept with the run.
        kept = f"{self.prefix}result.csv"
        source = found.uri.removeprefix("s3://").partition("/")
        self.lake.s3.copy({"Bucket": source[0], "Key": source[2]}, self.lake.bucket, kept)
        text = "".join(piece for piece in self.stage["sql"] if isinstance(piece, str))
        return {
            "table": None,
            "code": hashlib.sha256(text.encode()).hexdigest(),
            "engine": found.engine,
            "libraries": "{}",
            "workers": 1,
            "files": "[]",
            "items": 0,
            "rows_out": found.rows,
            "quarantined": 0,
            "bytes_in": self.asked["scanned_bytes"],
            "bytes_out": found.size,
            "input_checksum": hashlib.sha256(prepared["sql"].encode()).hexdigest(),
            "output_checksum": found.checksum,
            "snapshot": None,
            "engine_s": found.engine_s,
            "cost_usd": cost.query_usd(self.lake.plan["prices"], self.asked["scanned_bytes"]),
            "results": f"s3://{self.lake.bucket}/{kept}",
        }

    def _note(self, row: Mapping[str, Any]) -> None:
        """Write the stage's row of `runs`."""
        columns = next(t["columns"] for t in self.lake.plan["tables"] if t["name"] == RUNS)
        schema = pa.schema([f.with_nullable(True) for f in arrow_schema(columns)])
        wanted = [
            EqualTo(term=Reference(name), value=literal(row[name]))
            for name in ("run", "stage", "attempt")
        ]
        name = (self.lake.database, RUNS)
        rows = pa.Table.from_pylist([dict(row)], schema=schema)
        replace_rows(self.lake.catalog, name, And(*wanted), rows, self._check, self.lake.sleep)

    def _done(
        self, row: Mapping[str, Any], prepared: Mapping[str, Any], other: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write `done.json`, the last of all."""
        told = {
            "rows": row["rows_out"],
            "quarantined": row["quarantined"],
            "snapshot": row["snapshot"],
            "checksum": row["output_checksum"],
        }
        more = {name: row[name] for name in ("run", "stage", "attempt", "kind", "items", "sql")}
        more |= {"try": self.try_, "snapshots": prepared["snapshots"], "started": self.started}
        more["ended"] = row["ended"].isoformat(timespec="milliseconds")
        if "results" in other:
            more["query"] = self.asked["query"]
        more |= other
        done.write(self.lake.s3, self.lake.bucket, self._by, told | more)
        return told


#: No row of what failed, so that there is always a table to join.
_NONE = BAD.empty_table()
