"""Types as they are written: in a cast (Trino), in Glue (Hive), and in an Iceberg schema."""

from __future__ import annotations

import re
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import not_supported

D = exp.DType
_PLAIN = {
    D.BOOLEAN: t.BOOLEAN,
    D.TINYINT: t.Type("tinyint"),
    D.SMALLINT: t.Type("smallint"),
    D.INT: t.INTEGER,
    D.BIGINT: t.BIGINT,
    D.FLOAT: t.REAL,
    D.DOUBLE: t.DOUBLE,
    D.TEXT: t.VARCHAR,
    D.VARCHAR: t.VARCHAR,
    D.VARBINARY: t.VARBINARY,
    D.BINARY: t.VARBINARY,
    D.DATE: t.DATE,
    D.JSON: t.JSON,
}
#: Iceberg's primitive types; a fixed-length or UUID one is refused.
_ICEBERG = {
    "boolean": t.BOOLEAN,
    "int": t.INTEGER,
    "long": t.BIGINT,
    "float": t.REAL,
    "double": t.DOUBLE,
    "date": t.DATE,
    "string": t.VARCHAR,
    "binary": t.VARBINARY,
    "timestamp": t.timestamp(6),
    "timestamptz": t.zoned("UTC", 6),
}


def of_sql(written: exp.DataType) -> t.Type:
    """The type that a cast names.

    Raises
    ------
    AthenaError
        For a type that the local cloud has not.
    """
    kind, inner = written.this, written.expressions
    if kind in _PLAIN and not (kind is D.VARCHAR and inner):
        return _PLAIN[kind]
    if kind is D.DECIMAL:
        digits = [int(p.name) for p in inner]
        return t.decimal(*[*digits, 0][:2]) if digits else t.decimal(38, 0)
    if kind in (D.TIMESTAMP, D.TIMESTAMPTZ, D.TIMESTAMPLTZ):
        precision = max(3, int(inner[0].name)) if inner else 3
        if precision > 6:
            raise not_supported(f"a timestamp of {precision} digits")
        return t.timestamp(precision) if kind is D.TIMESTAMP else t.zoned("UTC", precision)
    if kind is D.ARRAY and len(inner) == 1:
        return t.array(of_sql(inner[0]))
    if kind is D.MAP and len(inner) == 2:
        return t.map_of(of_sql(inner[0]), of_sql(inner[1]))
    if kind is D.STRUCT:
        return t.Type("row", tuple(_field(f) for f in inner))
    if kind is D.VARCHAR:
        return t.Type("varchar", (int(inner[0].name),))
    raise not_supported(f"type {written.sql('trino').lower()}")


def _field(field: exp.Expr) -> tuple[str, t.Type]:
    if isinstance(field, exp.ColumnDef):
        return field.name.lower(), of_sql(field.args["kind"])
    if isinstance(field, exp.DataType):
        return "", of_sql(field)
    raise not_supported(f"row field {field.sql('trino')}")


def of_hive(written: str) -> t.Type:
    """The type of a column in Glue, as ``array<struct<a:int>>``.

    Raises
    ------
    AthenaError
        For a type that the local cloud has not, or that can't be read.
    """
    plain = written.strip().lower()
    if plain.startswith("char") or plain in ("interval", "uniontype"):
        raise not_supported(f"type {plain}")
    plain = re.sub(r"varchar\(\d+\)", "string", plain)
    try:
        parsed = sqlglot.parse_one(f"CAST(x AS {plain})", read="hive").args["to"]
    except ParseError as e:
        raise not_supported(f"type {written}") from e
    return of_sql(parsed)


def of_iceberg(written: Any) -> t.Type:
    """The type of a field of an Iceberg schema, as pyiceberg holds it."""
    from pyiceberg import types as i

    if isinstance(written, i.DecimalType):
        return t.decimal(written.precision, written.scale)
    if isinstance(written, i.ListType):
        return t.array(of_iceberg(written.element_type))
    if isinstance(written, i.MapType):
        return t.map_of(of_iceberg(written.key_type), of_iceberg(written.value_type))
    if isinstance(written, i.StructType):
        return t.Type(
            "row", tuple((f.name.lower(), of_iceberg(f.field_type)) for f in written.fields)
        )
    if str(written) not in _ICEBERG:
        raise not_supported(f"Iceberg type {written}")
    return _ICEBERG[str(written)]


def hive_name(of: t.Type) -> str:
    """The type as Glue writes it."""
    if of.name in ("array", "map"):
        return f"{of.name}<{','.join(hive_name(x) for x in of.of)}>"
    if of.name == "row":
        return f"struct<{','.join(f'{n}:{hive_name(x)}' for n, x in of.of)}>"
    names = {"integer": "int", "varchar": "string", "real": "float", "varbinary": "binary"}
    return names.get(of.name, str(of))
