"""CREATE EXTERNAL TABLE as a table of Glue's, and the partitions of ALTER TABLE ADD PARTITION.

https://docs.aws.amazon.com/athena/latest/ug/create-table.html
"""

from __future__ import annotations

import re
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.hive import format_of
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.type_names import hive_name, of_hive

PARQUET = (
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
)
TEXT = (
    "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
)


def parquet_table(name: str, own: Fields, keys: Fields, location: str) -> dict[str, Any]:
    """Glue's TableInput of a Parquet table."""
    columns = [{"Name": n, "Type": hive_name(k)} for n, k in own]
    return _table_input(
        name,
        columns,
        [{"Name": n, "Type": hive_name(k)} for n, k in keys],
        location,
        PARQUET,
        {},
        {},
    )


def _table_input(
    name: str, columns: list[dict[str, str]], keys: list[dict[str, str]], location: str,
    form: tuple[str, str, str], serde: dict[str, str], parameters: dict[str, str],
) -> dict[str, Any]:  # fmt: skip
    storage = {
        "Columns": columns,
        "Location": location,
        "InputFormat": form[1],
        "OutputFormat": form[2],
        "SerdeInfo": {"SerializationLibrary": form[0], "Parameters": serde},
    }
    return {
        "Name": name,
        "StorageDescriptor": storage,
        "PartitionKeys": keys,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE"} | parameters,
    }


def create_table(name: str, sql: str) -> dict[str, Any]:
    """Glue's TableInput of a CREATE EXTERNAL TABLE.

    Raises
    ------
    AthenaError
        ``SYNTAX_ERROR``, or ``NOT_SUPPORTED`` for a property that isn't honoured.
    """
    try:
        tree = sqlglot.parse_one(sql, read="hive")
    except ParseError as e:
        raise AthenaError("SYNTAX_ERROR", str(e).split("\n")[0]) from e
    if not isinstance(tree, exp.Create) or not isinstance(tree.this, exp.Schema):
        raise not_supported("this CREATE TABLE")
    form, serde, keys, location, parameters, external = TEXT, dict[str, str](), [], "", {}, False
    given = tree.args.get("properties")
    for item in given.expressions if given else []:
        if isinstance(item, exp.ExternalProperty):
            external = True
        elif isinstance(item, exp.LocationProperty):
            location = item.this.name
        elif isinstance(item, exp.FileFormatProperty):
            form = _file_format(item, form)
        elif isinstance(item, exp.RowFormatDelimitedProperty):
            serde |= _delimited(item)
        elif isinstance(item, exp.RowFormatSerdeProperty):
            form = (item.name, *TEXT[1:]) if item.name != PARQUET[0] else PARQUET
            serde |= _pairs(item.args.get("serde_properties"))
        elif isinstance(item, exp.PartitionedByProperty):
            keys = _columns(item.this)
        elif isinstance(item, exp.SerdeProperties):
            serde |= _pairs(item)
        elif isinstance(item, exp.Property) and type(item) is exp.Property:
            parameters[item.name] = item.args["value"].name
        elif not isinstance(item, exp.SchemaCommentProperty):
            raise not_supported(f"{item.sql('hive')[:80]} in CREATE TABLE")
    if parameters.get("table_type", "").upper() == "ICEBERG" or not external:
        raise not_supported(
            "CREATE TABLE of an Iceberg table; make it through Glue or pyiceberg: it"
        )
    if not location:
        raise AthenaError("SYNTAX_ERROR", "CREATE EXTERNAL TABLE without LOCATION")
    format_of(name, form[0])
    return _table_input(name, _columns(tree.this), keys, location, form, serde, parameters)


def _file_format(item: exp.FileFormatProperty, form: tuple[str, str, str]) -> tuple[str, str, str]:
    inner = item.this
    if isinstance(inner, exp.InputOutputFormat):
        return form[0], inner.args["input_format"].name, inner.args["output_format"].name
    known = {"PARQUET": PARQUET, "TEXTFILE": TEXT if form[0] == TEXT[0] else form}
    if inner.name.upper() not in known:
        raise not_supported(f"STORED AS {inner.name}")
    return known[inner.name.upper()]


def _delimited(item: exp.RowFormatDelimitedProperty) -> dict[str, str]:
    words = {"fields": "field.delim", "lines": "line.delim", "null": "serialization.null.format"}
    found = {}
    for key, value in item.args.items():
        if value is None:
            continue
        if key not in words:
            raise not_supported(f"{key} in ROW FORMAT DELIMITED")
        found[words[key]] = value.name.encode().decode("unicode_escape")
    if "field.delim" in found:
        found["serialization.format"] = found["field.delim"]
    return found


def _pairs(item: exp.Expr | None) -> dict[str, str]:
    return {p.name: p.args["value"].name for p in item.expressions} if item else {}


def _columns(schema: exp.Expr) -> list[dict[str, str]]:
    found = []
    for column in schema.expressions:
        if not isinstance(column, exp.ColumnDef) or column.args.get("kind") is None:
            raise AthenaError(
                "SYNTAX_ERROR", f"a column with its type expected, found {column.sql('hive')[:40]}"
            )
        written = column.args["kind"].sql("hive").lower()
        of_hive(written)
        found.append(
            {"Name": column.name.lower(), "Type": written.replace(": ", ":").replace(", ", ",")}
        )
    return found


def partition_specs(written: str) -> list[tuple[dict[str, str], str | None]]:
    """``PARTITION (k = 'v', ...) [LOCATION '...'] ...``: keys with values, and locations.

    Raises
    ------
    AthenaError
    """
    item = re.compile(r"\s*PARTITION\s*\(([^)]*)\)(?:\s*LOCATION\s*'([^']*)')?", re.I)
    found, at = [], 0
    while at < len(written.rstrip()):
        match = item.match(written, at)
        if match is None:
            raise AthenaError(
                "SYNTAX_ERROR", f"PARTITION (...) expected, found {written[at : at + 40]!r}"
            )
        pairs = re.findall(r"`?(\w+)`?\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([\w.-]+))", match[1])
        found.append(({k.lower(): a or b or c for k, a, b, c in pairs}, match[2]))
        at = match.end()
    return found
