"""FOR VERSION AS OF and FOR TIMESTAMP AS OF: which snapshot a query asks for.

https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-time-travel-and-version-travel-queries.html
"""

from __future__ import annotations

import datetime
from typing import Any

import duckdb
from sqlglot import exp

from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.expressions import Expressions
from localcloud.engines.athena.scopes import Scope
from localcloud.engines.athena.typed import as_type
from localcloud.engines.athena.types import zoned
from localcloud.engines.athena.words import position


def time_travel(version: exp.Expr) -> tuple[str, Any]:
    """``("version", id or name)`` or ``("timestamp", milliseconds since 1970)``.

    Raises
    ------
    AthenaError
        Where it is neither a snapshot's id or name, nor a time.
    """
    wanted = version.expression
    if str(version.args.get("kind")).upper() != "AS OF":
        raise not_supported(version.sql("trino"))
    if version.name.upper() == "VERSION":
        if not isinstance(wanted, exp.Literal):
            raise not_supported(f"{position(version)}a version that is no literal")
        return "version", wanted.this if wanted.is_string else int(wanted.this)
    from localcloud.engines.athena.queries import Queries

    class _None:
        def find(self, node: exp.Table) -> Any:
            raise not_supported(f"{position(node)}a table in FOR TIMESTAMP AS OF")

        def view(self, table: Any) -> exp.Expr:
            raise not_supported("a view in FOR TIMESTAMP AS OF")

    value = Expressions(Queries(_None()), Scope()).read(wanted)
    if value.type.name not in ("timestamp", "timestamp with time zone", "date"):
        raise AthenaError("TYPE_MISMATCH", f"{position(version)}{value.type} is no timestamp")
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        row = con.execute(f"SELECT {as_type(value, zoned()).sql}").fetchone()
    moment: datetime.datetime = row[0] if row else datetime.datetime.now(datetime.UTC)
    return "timestamp", int(moment.timestamp() * 1000)
