"""What a function's source or a query calls that can give another answer each time."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping

import sqlglot
from sqlglot import exp

from headrace.provenance.verdicts import Guess

RANDOM = "random numbers that the run's seed doesn't reach"
CLOCK = "the clock"
ORDER = "the order of a set, or of files in a folder, which changes from process to process"
CONCURRENT = "threads or processes of its own, which end in another order each time"
OUTSIDE = "data that changed in between"

#: Calls, by their full name. ``random`` and ``numpy.random`` themselves are seeded for each item:
#: docs/contracts.md, A Map's function.
_CALLS: Mapping[str, str] = {
    **dict.fromkeys(("uuid.uuid1", "uuid.uuid4", "os.urandom", "random.SystemRandom"), RANDOM),
    **dict.fromkeys(
        ("time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "time.process_time"),
        CLOCK,
    ),
    **dict.fromkeys(("datetime.datetime.now", "datetime.datetime.utcnow"), CLOCK),
    **dict.fromkeys(("datetime.datetime.today", "datetime.date.today"), CLOCK),
    **dict.fromkeys(("set", "frozenset", "hash", "os.listdir", "os.scandir", "glob.glob"), ORDER),
}
#: Calls that are unseeded only without an argument.
_UNSEEDED = ("random.Random", "numpy.random.default_rng", "numpy.random.RandomState")
#: Any call into these.
_MODULES: Mapping[str, str] = {
    "secrets": RANDOM,
    "threading": CONCURRENT,
    "concurrent.futures": CONCURRENT,
    "multiprocessing": CONCURRENT,
    **dict.fromkeys(("requests", "urllib.request", "http.client", "httpx", "boto3"), OUTSIDE),
}
#: SQL functions without arguments that decide the answer, by sqlglot's or their own name.
_SQL: Mapping[str, str] = {
    **dict.fromkeys(("rand", "random", "uuid", "shuffle"), RANDOM),
    **dict.fromkeys(("current_timestamp", "current_date", "current_time", "now"), CLOCK),
    **dict.fromkeys(("arbitrary", "any_value"), "a value that Athena may choose freely"),
}


def of_source(path: str, text: str) -> Iterator[Guess]:
    """What a Python module calls that can give another answer each time."""
    tree = ast.parse(text, path)
    names = _imports(tree)
    seen = set[str]()
    for node in ast.walk(tree):
        for name, what in _suspect(node, names):
            if name not in seen:
                seen.add(name)
                line = getattr(node, "lineno", 0)
                yield Guess(what, f"{path}, line {line}: {name}")


def _suspect(node: ast.AST, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Set | ast.SetComp):
        yield "a set", ORDER
    if not isinstance(node, ast.Call):
        return
    name = _full(node.func, names)
    if name in _CALLS:
        yield name, _CALLS[name]
    elif name in _UNSEEDED and not node.args and not node.keywords:
        yield f"{name} without a seed", RANDOM
    else:
        for module, what in _MODULES.items():
            if name.startswith(f"{module}."):
                yield name, what


def _imports(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                found[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def _full(node: ast.expr, names: Mapping[str, str]) -> str:
    """The full name of what is called: ``np.random.default_rng`` is numpy's."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([names.get(node.id, node.id), *reversed(parts)])


def of_sql(sql: str, pinned: frozenset[str], items: bool = False) -> Iterator[Guess]:
    """What a query has that can give another answer each time.

    Parameters
    ----------
    sql : str
    pinned : frozenset of str
        Tables whose snapshot is pinned.
    items : bool
        Its rows are a Map's items, which are sorted: their order is nothing to look for.
    """
    tree = sqlglot.parse_one(sql, read="athena")
    for node in tree.find_all(exp.Func):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        if name in _SQL:
            yield Guess(_SQL[name], f"its SQL calls {name}")
        elif name.startswith("approx_"):
            yield Guess("an approximation", f"its SQL calls {name}")
        elif name == "array_agg" and not node.find(exp.Order):
            yield Guess("the order in which rows are gathered", "array_agg without ORDER BY")
    for table in unversioned(sql, pinned):
        yield Guess(OUTSIDE, f"it reads {table}, of which no snapshot is pinned")
    for query in tree.find_all(exp.Select):
        if query.args.get("limit") and not query.args.get("order"):
            yield Guess("rows that LIMIT picks from no order", "LIMIT without ORDER BY")
    if not items and not tree.args.get("order"):
        yield Guess("the order of its rows, which nothing fixes", "no ORDER BY at its end")


def unversioned(sql: str, pinned: Collection[str]) -> list[str]:
    """The tables that SQL reads and that have no snapshot, in order of their names."""
    if not sql:
        return []
    tree = sqlglot.parse_one(sql, read="athena")
    named = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    return sorted({t.name for t in tree.find_all(exp.Table)} - named - {*pinned})
