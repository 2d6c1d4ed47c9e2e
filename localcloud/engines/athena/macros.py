"""DuckDB macros for functions whose edges differ from Athena's: position 0, NULL, logarithms.

A macro fails by a cast that can't succeed, whose text is the reason: DuckDB's own ``error()``
can't stand under TRY.
"""

# ruff: noqa: E501 (DuckDB code)
from __future__ import annotations

#: What Trino's trim() takes off: the whitespace of java.lang.Character, without no-break spaces.
_SPACE = "' ' || " + " || ".join(
    f"chr({c})" for c in [9, 10, 11, 12, 13, 28, 29, 30, 31, 0x1680, 0x2028, 0x2029, 0x205F, 0x3000]
    + [c for c in range(0x2000, 0x200B) if c != 0x2007]
)  # fmt: skip
_URL = r"^(([^:/?#]+):)?(//(?:[^/?#@]*@)?([^/?#:]*)(?::[0-9]+)?)?([^?#]*)(\?([^#]*))?(#(.*))?"

MACROS = (
    "athena_fail(reason) AS CAST('#' || reason AS INTEGER)",
    f"athena_trim(s) AS trim(s, {_SPACE})",
    f"athena_ltrim(s) AS ltrim(s, {_SPACE})",
    f"athena_rtrim(s) AS rtrim(s, {_SPACE})",
    """athena_substr(s, start) AS CASE WHEN start > 0 THEN substr(s, start)
        WHEN start = 0 OR -start > length(s) THEN substr(s, 1, 0) ELSE substr(s, start) END""",
    """athena_substr3(s, start, size) AS substr(athena_substr(s, start), 1, greatest(size, 0))""",
    """athena_replace(s, old, new) AS CASE WHEN old = '' AND s IS NOT NULL AND new IS NOT NULL
        THEN CAST(athena_fail('NOT_SUPPORTED: replace() of an empty string') AS VARCHAR)
        ELSE replace(s, old, new) END""",
    """athena_split(s, mark) AS CASE WHEN mark = ''
        THEN [CAST(athena_fail('INVALID_FUNCTION_ARGUMENT: The delimiter may not be the empty string') AS VARCHAR)]
        ELSE string_split(s, mark) END""",
    """athena_split_part(s, mark, place) AS CASE WHEN place < 1
        THEN CAST(athena_fail('INVALID_FUNCTION_ARGUMENT: Index must be greater than zero') AS VARCHAR)
        ELSE athena_split(s, mark)[place] END""",
    f"athena_url(s, part) AS CASE WHEN s IS NOT NULL THEN regexp_extract(s, '{_URL}', part) END",
    "athena_json(s) AS CASE WHEN json_valid(s) THEN CAST(s AS JSON) END",
    """athena_json_scalar(j) AS CASE WHEN json_type(j) NOT IN ('OBJECT', 'ARRAY', 'NULL')
        THEN json_extract_string(j, '$') END""",
    "athena_sqrt(x) AS CASE WHEN x < 0 THEN CAST('nan' AS DOUBLE) ELSE sqrt(greatest(x, 0)) END",
    """athena_ln(x) AS CASE WHEN x < 0 THEN CAST('nan' AS DOUBLE)
        WHEN x = 0 THEN CAST('-infinity' AS DOUBLE) ELSE ln(x) END""",
    """athena_log10(x) AS CASE WHEN x < 0 THEN CAST('nan' AS DOUBLE)
        WHEN x = 0 THEN CAST('-infinity' AS DOUBLE) ELSE log10(x) END""",
    """athena_width_bucket(x, low, high, buckets) AS CASE
        WHEN buckets <= 0 OR low = high
        THEN athena_fail('INVALID_FUNCTION_ARGUMENT: bucketCount must be greater than 0 and bounds must differ')
        WHEN low < high THEN CASE WHEN x < low THEN 0 WHEN x >= high THEN buckets + 1
            ELSE CAST(floor(buckets * (x - low) / (high - low)) AS BIGINT) + 1 END
        ELSE CASE WHEN x > low THEN 0 WHEN x <= high THEN buckets + 1
            ELSE CAST(floor(buckets * (low - x) / (low - high)) AS BIGINT) + 1 END END""",
    r"""athena_iso_date(s) AS CASE WHEN regexp_full_match(s, '\d{4}-\d{2}-\d{2}') THEN CAST(s AS DATE)
        WHEN s IS NOT NULL
        THEN CAST(CAST(athena_fail('INVALID_FUNCTION_ARGUMENT: Invalid format: "' || s || '"') AS VARCHAR) AS DATE) END""",
    """athena_contains(items, item) AS CASE WHEN item IS NULL THEN NULL
        WHEN list_contains(items, item) THEN true
        WHEN list_contains(list_transform(items, lambda e: e IS NULL), true) THEN NULL
        WHEN items IS NOT NULL THEN false END""",
    """athena_array_distinct(items) AS list_filter(items, lambda e, i:
        len(list_filter(items[1:i - 1], lambda f: f IS NOT DISTINCT FROM e)) = 0)""",
    """athena_array_max(items) AS CASE WHEN len(list_filter(items, lambda e: e IS NULL)) = 0
        THEN list_max(items) END""",
    """athena_array_min(items) AS CASE WHEN len(list_filter(items, lambda e: e IS NULL)) = 0
        THEN list_min(items) END""",
    """athena_array_position(items, item) AS CASE WHEN items IS NOT NULL AND item IS NOT NULL
        THEN coalesce(list_position(items, item), 0) END""",
    "athena_sequence(a, b) AS CASE WHEN a <= b THEN generate_series(a, b) ELSE generate_series(a, b, -1) END",
    """athena_slice(items, start, size) AS CASE
        WHEN start = 0 THEN [items[athena_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1')]]
        WHEN size < 0 THEN [items[athena_fail('INVALID_FUNCTION_ARGUMENT: length must be greater than or equal to 0')]]
        WHEN start > 0 THEN items[start:start + size - 1]
        WHEN -start > len(items) THEN items[1:0]
        ELSE items[len(items) + start + 1:len(items) + start + size] END""",
    """athena_at(items, place) AS CASE
        WHEN place = 0 THEN items[athena_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1')]
        ELSE items[place] END""",
    """athena_subscript(items, place) AS CASE
        WHEN place = 0 THEN items[athena_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1')]
        WHEN place < 0 THEN items[athena_fail('INVALID_FUNCTION_ARGUMENT: Array subscript is negative: ' || place)]
        WHEN place > len(items)
        THEN items[athena_fail('INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: ' || place || ' > ' || len(items))]
        ELSE items[place] END""",
    """athena_map_subscript(m, k) AS CASE
        WHEN m IS NOT NULL AND k IS NOT NULL AND NOT map_contains(m, k)
        THEN map_extract(m, k)[athena_fail('INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || k)]
        ELSE map_extract(m, k)[1] END""",
    """athena_text(x) AS CASE WHEN x = 0 OR (abs(x) >= 1e-3 AND abs(x) < 1e7)
        THEN CAST(x AS VARCHAR) ELSE athena_java_text(x) END""",
)
