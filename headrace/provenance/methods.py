"""The methods paragraphs of a paper: what a run's records say, in prose, and nothing else.

Pure: :func:`paragraphs` makes sentences of :class:`Facts`. What was not recorded is not written;
there is no sentence about seeds in a run that only asked queries, and none about the quarantine
of records where the run's pin is gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headrace.cluster_board import KINDS
from headrace.provenance import libraries
from headrace.provenance.counting import Rejects, Source
from headrace.provenance.prose import (
    Code,
    Paragraph,
    Piece,
    Quote,
    Sentence,
    clock,
    count,
    day,
    joined,
    share,
)
from headrace.provenance.records import Pin, Run, StageRecord
from headrace.provenance.suspects import unversioned

#: Digits of a checksum that a reader can compare by eye.
DIGITS = 12


@dataclass(frozen=True)
class Facts:
    """What the lake and the study say of a run.

    Parameters
    ----------
    study, question : str
    run : Run
    pin : Pin, optional
    sources : sequence of Source
    rejects : mapping
        Stage to what it quarantined.
    direct : collection of str
        Libraries that the functions name themselves.
    externals : mapping
        Table of others to where it lies.
    stages : sequence of str
        All stages of the study.
    version : str
        Headrace's own, which writes the text.
    target : str
        Where the run's lake is: ``local`` or ``aws``.
    """

    study: str
    question: str
    run: Run
    pin: Pin | None
    version: str
    sources: Sequence[Source] = ()
    rejects: Mapping[str, Rejects] = field(default_factory=dict)
    direct: frozenset[str] = frozenset()
    externals: Mapping[str, str] = field(default_factory=dict)
    stages: Sequence[str] = ()
    target: str = "aws"

    @property
    def stand_in(self) -> str:
        """What must stand before the name of an AWS service that this computer stood in for."""
        return _STAND_INS.get(self.target, "")


_STAND_INS = {"local": "a local stand-in for "}


def paragraphs(facts: Facts) -> list[Paragraph]:
    """The paragraphs: data, then the stages, then the run and the software."""
    data = [*_data(facts)]
    stages = [[*_stage(facts, record)] for record in facts.run.stages]
    return [p for p in (data, *stages, [*_run(facts)]) if p]


def _data(facts: Facts) -> Iterator[Sentence]:
    for source in facts.sources:
        if source.snapshot is None:
            yield ["Table ", Code(source.table), " was empty."]
            continue
        pinned = (" in Apache Iceberg snapshot ", Code(str(source.snapshot)), ".")
        yield [*_landed(source), *pinned]
        if source.quarantined:
            why, n = source.reasons[0]
            least = "because of " if len(source.reasons) == 1 else "most often because of "
            yield [
                f"A further {count(source.quarantined, 'record')} could not be read and had been"
                f" quarantined when the run began, {least}",
                Quote(why),
                "." if len(source.reasons) == 1 else f" ({n:,}).",
            ]
        elif source.sources and facts.pin:
            yield ["No record for it had been quarantined when the run began."]
    tables = sorted({t for r in facts.run.stages for t in unversioned(r.sql or "", r.snapshots)})
    for table in tables:
        where = facts.externals.get(table)
        place: list[Piece] = [" (", Code(where), ")"] if where else []
        yield ["Table ", Code(table), *place, " was read as it was then, with no snapshot pinned."]


def _landed(source: Source) -> list[Piece]:
    told: list[Piece] = ["Table ", Code(source.table), f" held {count(source.rows, 'row')}"]
    if not source.sources:
        return told
    shards = all(name.startswith("shardId-") for name in source.sources)
    parts = count(len(source.sources), "shard of a Kinesis stream", "shards of a Kinesis stream")
    if not shards:
        parts = count(len(source.sources), "source")
    return [*told, f", landed from {parts},"]


def _stage(facts: Facts, record: StageRecord) -> Iterator[Sentence]:
    if record.kind == "query":
        yield from _query(facts, record)
        return
    yield _applied(record)
    yield _with(facts, record)
    yield [
        f"It gave {count(record.rows_out, 'row')} (SHA-256 of the rows ",
        Code(record.output_checksum[:DIGITS]),
        ").",
    ]
    if record.kind in KINDS:
        yield _rejected(record)
    else:
        yield _quarantined(record, facts.rejects.get(record.stage))


def _rejected(record: StageRecord) -> Sentence:
    if not record.quarantined:
        return ["Nothing that it gave was quarantined."]
    return [f"{count(record.quarantined, 'line or row', 'lines or rows')} were quarantined."]


def _query(facts: Facts, record: StageRecord) -> Iterator[Sentence]:
    tables = joined([[Code(t)] for t in sorted(record.snapshots)])
    read: list[Piece] = [" of ", *tables] if tables else []
    yield [
        "Query ",
        Code(record.stage),
        *read,
        f", asked in SQL of {facts.stand_in}Amazon Athena,",
        f" gave {count(record.rows_out, 'row')} (SHA-256 of the rows ",
        Code(record.output_checksum[:DIGITS]),
        ").",
    ]


def _applied(record: StageRecord) -> Sentence:
    start: list[Piece] = ["Stage ", Code(record.stage), " applied a Python function (SHA-256 of"]
    start += [" its code ", Code(record.code[:DIGITS]), f") to {count(record.items, 'item')}"]
    if record.kind in KINDS:
        job = "a MapReduce job" if record.kind == "mapreduce" else "a Spark program"
        start = ["Stage ", Code(record.stage), f" ran {job} (SHA-256 of its code "]
        rows = "rows" if record.sql else count(len(record.files), "file")
        start += [Code(record.code[:DIGITS]), f") over {record.bytes_in:,} bytes of {rows}"]
    checksum: list[Piece] = [" (SHA-256 ", Code(record.input_checksum[:DIGITS]), ")."]
    if record.sql:
        read = {*record.snapshots, *unversioned(record.sql, record.snapshots)}
        tables = joined([[Code(t)] for t in sorted(read)])
        chosen: list[Piece] = [" from ", *tables] if tables else []
        return [*start, ", selected by SQL", *chosen, *checksum]
    return [*start, *([] if record.kind in KINDS else [", each a file"]), *checksum]


def _with(facts: Facts, record: StageRecord) -> Sentence:
    versions = libraries.chosen(record.libraries, facts.direct)
    told = [[f"{name} {version}"] for name, version in versions.items()]
    used: list[Piece] = [" with ", *joined(told)] if told else []
    word = "node" if record.kind in KINDS else "worker"
    workers = f", at most {count(record.workers, word)} at a time" if record.workers else ""
    params: list[Piece] = []
    if record.params:
        params = [", parameters ", Code(json.dumps(dict(record.params), sort_keys=True))]
    engine = f" on {facts.stand_in}{record.engine}"
    return ["It ran", engine, *used, f"{workers}, seed {record.seed}", *params, "."]


def _quarantined(record: StageRecord, rejects: Rejects | None) -> Sentence:
    if not record.quarantined:
        return ["No item was quarantined."]
    if rejects is None or rejects.entries != record.quarantined:
        return [f"{count(record.quarantined, 'entry', 'entries').capitalize()} went to quarantine."]
    why, n = rejects.reasons[0]
    part = share(rejects.items, record.items)
    of = f"{rejects.items:,} of the {count(record.items, 'item')} ({part})"
    more = "" if rejects.entries == rejects.items else f", {rejects.entries:,} parts of them,"
    most: list[Piece] = [" because of ", Quote(why), "."]
    if len(rejects.reasons) > 1:
        most = [" most often because of ", Quote(why), f" ({n:,})."]
    return [f"What could not be processed of {of}{more} was quarantined,", *most]


def _run(facts: Facts) -> Iterator[Sentence]:
    run = facts.run
    same_day = day(run.started) == day(run.ended)
    short = (run.ended - run.started).total_seconds() < 120
    began, ended = f"{day(run.started)}, {clock(run.started, short)}", clock(run.ended, short)
    span = f"{began} to {ended}" if same_day else f"{began} to {day(run.ended)}, {ended}"
    yield ["The run (", Code(run.id), f") took place on {span} UTC."]
    if run.attempts[-1] > 1:
        yield _resumed(run)
    if facts.pin and facts.pin.again:
        yield [
            "It took over the snapshots that run ",
            Code(facts.pin.again),
            " had been pinned to.",
        ]
    if missing := run.missing(facts.stages):
        names = joined([[Code(name)] for name in missing])
        yield ["It is incomplete: it has no record of ", *names, "."]
    yield [
        "Software: Headrace [computer software]; version"
        f" {facts.version} wrote this text from the run's records."
    ]


def _resumed(run: Run) -> Sentence:
    told: list[Sentence] = []
    for attempt in run.attempts:
        names: list[Sentence] = [[Code(r.stage)] for r in run.stages if r.attempt == attempt]
        if names:
            told.append([*joined(names), f" in attempt {attempt}"])
    return ["It was resumed, and finished ", *joined(told), "."]
