"""Text files as rows: LazySimpleSerDe, OpenCSVSerde and the two JSON SerDes.

https://docs.aws.amazon.com/athena/latest/ug/lazy-simple-serde.html
https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html
https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html
"""

# ruff: noqa: S608 (this writes SQL: names and strings pass `types.quote` and `types.text`)
from __future__ import annotations

from localcloud.engines.athena import stored
from localcloud.engines.athena import types as t
from localcloud.engines.athena.casts import cast
from localcloud.engines.athena.errors import not_supported
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.stored import StoredFile
from localcloud.engines.athena.tables import Relation
from localcloud.engines.athena.typed import Typed
from localcloud.engines.athena.types import Type

#: Properties that change how a file is read, and that are honoured.
_HONOURED = {
    "delimited": {"field.delim", "serialization.format", "serialization.null.format",
                  "skip.header.line.count", "line.delim"},
    "csv": {"separatorchar", "quotechar", "escapechar", "skip.header.line.count",
            "serialization.format"},
    "json": {"serialization.format", "case.insensitive", "ignore.malformed.json", "paths"},
}  # fmt: skip
#: Properties that say nothing about how a file is read.
_IDLE = {"classification", "external", "typeofdata", "compressiontype", "arecolumnsquoted",
         "has_encrypted_data", "averagerecordsize", "objectcount", "recordcount", "sizekey",
         "delimiter", "columnsordered", "comment", "transient_lastddltime"}  # fmt: skip
_PLAIN = (*t.NUMBERS, "varchar", "boolean", "date", "timestamp")


def read(
    kind: str, fields: Fields, properties: dict[str, str], files: list[StoredFile], used: set[str]
) -> Relation:
    """The rows of text files.

    Raises
    ------
    AthenaError
        ``NOT_SUPPORTED`` for a property, compression or column type that isn't honoured.
    """
    _check(kind, properties, files)
    lines = {"delimited": _delimited, "csv": _csv, "json": _json}[kind]
    path = stored.url_of(files) if "$path" in used else "CAST(NULL AS VARCHAR)"
    sql = lines(fields, {k.lower(): v for k, v in properties.items()}, files, path)
    return Relation(sql, sum(f.size for f in files))


def _check(kind: str, properties: dict[str, str], files: list[StoredFile]) -> None:
    for name in properties:
        if name.lower() not in _HONOURED[kind] | _IDLE:
            raise not_supported(f"table property {name}")
    for file in files:
        if file.url.rsplit(".", 1)[-1].lower() in ("bz2", "lz4", "snappy", "lzo", "deflate"):
            raise not_supported(f"the compression of {file.url}")


def _skipped(properties: dict[str, str]) -> int:
    return int(properties.get("skip.header.line.count", "0"))


def _bad_data(value: str, name: str, kind: Type) -> Typed:
    """A field's text as its type; what can't be read fails the query."""
    typed = cast(Typed(value, t.VARCHAR), kind, "")
    sql = typed.sql.replace(
        "INVALID_CAST_ARGUMENT: Cannot cast", f"HIVE_BAD_DATA: Error parsing column {name}:"
    )
    return Typed(sql, kind)


def _lines(files: list[StoredFile], skip: int) -> str:
    """Every line as it is, with its file's name."""
    return (
        f"(SELECT coalesce(line, '') AS line, filename FROM read_csv({stored.listed(files)}, "
        "columns = {'line': 'VARCHAR'}, delim = chr(2), quote = '', escape = '', header = false, "
        f"auto_detect = false, strict_mode = false, skip = {skip}))"
    )


def _delimited(
    fields: Fields, properties: dict[str, str], files: list[StoredFile], path: str
) -> str:
    mark = properties.get("field.delim") or properties.get("serialization.format") or "\x01"
    if mark == "1":
        mark = "\x01"  # Hive's own way to write its default
    null = properties.get("serialization.null.format", r"\N")
    columns = []
    for i, (name, kind) in enumerate(fields, 1):
        if kind.name not in _PLAIN:
            raise not_supported(f"column {name} of type {kind} in a text file")
        columns.append(
            f"{_bad_data(f'nullif(parts[{i}], {t.text(null)})', name, kind).sql} AS {t.quote(name)}"
        )
    lines = _lines(files, _skipped(properties))
    parts = f"SELECT string_split(line, {t.text(mark)}) AS parts, filename FROM {lines}"
    return f'SELECT {", ".join([*columns, path])} AS "$path" FROM ({parts})'


def _csv(fields: Fields, properties: dict[str, str], files: list[StoredFile], path: str) -> str:
    mark = properties.get("separatorchar", ",")
    quote = properties.get("quotechar", '"')
    escape = properties.get("escapechar", "\\")
    names = [f"c{i}" for i in range(len(fields))]
    columns = []
    for column, (name, kind) in zip(names, fields, strict=True):
        if kind.name not in (*t.INTEGERS, "double", "varchar", "boolean"):
            # This SerDe reads dates and timestamps as numbers since 1970.
            raise not_supported(f"column {name} of type {kind} with OpenCSVSerde")
        value = column if kind == t.VARCHAR else f"nullif({column}, '')"
        columns.append(f"{_bad_data(value, name, kind).sql} AS {t.quote(name)}")
    shape = ", ".join(f"'{n}': 'VARCHAR'" for n in names)
    source = (
        f"read_csv({stored.listed(files)}, columns = {{{shape}}}, delim = {t.text(mark)}, "
        f"quote = {t.text(quote)}, escape = {t.text(escape)}, header = false, auto_detect = false, "
        "null_padding = true, strict_mode = false, nullstr = chr(1), "
        f"skip = {_skipped(properties)})"
    )
    return f'SELECT {", ".join([*columns, path])} AS "$path" FROM {source}'


def _json(fields: Fields, properties: dict[str, str], files: list[StoredFile], path: str) -> str:
    columns = []
    for name, kind in fields:
        # Keys are found whatever their case, as both SerDes do.
        key = f"list_filter(json_keys(j), lambda k: lower(k) = {t.text(name)})[1]"
        exact = t.text(f'$."{name}"')
        value = f"coalesce(json_extract(j, {exact}), json_extract(j, '$.\"' || {key} || '\"'))"
        columns.append(f"{_from_json(value, name, kind)} AS {t.quote(name)}")
    bad = "athena_fail('HIVE_CURSOR_ERROR: Row is not a valid JSON Object')"
    bad = f"CAST(CAST({bad} AS VARCHAR) AS JSON)"
    if properties.get("ignore.malformed.json", "false").lower() == "true":
        bad = "NULL"
    objects = (
        "SELECT CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' "
        f"THEN CAST(line AS JSON) ELSE {bad} END AS j, "
        f"filename FROM {_lines(files, 0)} WHERE trim(line) <> ''"
    )
    return f'SELECT {", ".join([*columns, path])} AS "$path" FROM ({objects})'


def _from_json(value: str, name: str, kind: Type) -> str:
    scalar = f"json_extract_string({value}, '$')"
    if kind.name in _PLAIN:
        return _bad_data(scalar, name, kind).sql
    if kind.name in ("array", "row", "map"):
        return f"CAST({value} AS {kind.duckdb()})"
    raise not_supported(f"column {name} of type {kind} in a JSON file")
