"""The RO-Crate metadata of a replication package, built by the rocrate library from plain facts.

RO-Crate 1.1 with the profiles Workflow RO-Crate 1.0, Process Run Crate 0.5 and Workflow Run
Crate 0.5 (https://www.researchobject.org/workflow-run-crate/profiles/): the study's file is the
workflow, each stage and the run as a whole an action. Later versions exist; these are the ones
that readers of crates know. ::

    ./ ──mainEntity──▶ study.py (ComputationalWorkflow) ──hasPart──▶ the stages' functions, SQL
     └──mentions──▶ CreateAction of the run, and of each stage
                      instrument, object (tables, files, seed), result (files)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rocrate.model.computerlanguage import ComputerLanguage
from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from headrace.cluster_board import KINDS
from headrace.provenance.folder import PackedFile
from headrace.provenance.libraries import normal
from headrace.provenance.people import Author
from headrace.provenance.records import Pin, Run, StageRecord, iso

PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
UNKNOWN_LICENCE = "unknown: the authors have stated none"


@dataclass(frozen=True)
class Contents:
    """What a package holds.

    Parameters
    ----------
    study, question : str
    run : Run
    pin : Pin, optional
    workflow : str
        Path of the study's file.
    files : sequence of PackedFile
    sql, results, inputs : mapping
        Stage to the paths of its SQL, of its results, of its input.
    authors : sequence of Author
    licence : str
        An SPDX identifier or an address; empty where unknown.
    commit : str
        The git commit of the checkout; empty where unknown.
    stand_in : str
        What must stand before the name of an engine that a computer stood in for.
    version : str
        Headrace's.
    """

    study: str
    question: str
    run: Run
    pin: Pin | None
    workflow: str
    version: str
    files: Sequence[PackedFile]
    sql: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, Sequence[str]] = field(default_factory=dict)
    inputs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    authors: Sequence[Author] = ()
    licence: str = ""
    commit: str = ""
    stand_in: str = ""


def metadata(contents: Contents) -> dict[str, Any]:
    """The document ``ro-crate-metadata.json``, the same for the same contents."""
    document: dict[str, Any] = build(contents).metadata.generate()
    return document


def text(document: Mapping[str, Any]) -> str:
    """The document as the library would write it."""
    return json.dumps(document, indent=4, sort_keys=True, ensure_ascii=False) + "\n"


def build(contents: Contents) -> Any:
    """The crate as the library's object."""
    crate = ROCrate(version="1.1", gen_preview=True)
    crate.metadata.extra_contexts.append(CONTEXT)
    _root(crate, contents)
    workflow = _files(crate, contents)
    people = [_person(crate, author) for author in contents.authors]
    if people:
        crate.root_dataset["author"] = people
        workflow["creator"] = people
    actions = [_stage(crate, contents, record, people) for record in contents.run.stages]
    whole = _whole(crate, contents, workflow, people, actions)
    crate.root_dataset["mentions"] = [whole, *actions]
    workflow["hasPart"] = _unique([action["instrument"] for action in actions])
    return crate


def _root(crate: Any, contents: Contents) -> None:
    run, root = contents.run, crate.root_dataset
    crate.name = contents.question
    crate.description = (
        f"Replication package of run {run.id} of study {contents.study}: what was run, on what,"
        " with which software, and what it gave."
    )
    root["datePublished"] = run.ended.date().isoformat()
    root["identifier"] = run.id
    root["license"] = _licence(crate, contents.licence) if contents.licence else UNKNOWN_LICENCE
    profiles = [
        _add(crate, address, "CreativeWork", {"name": name, "version": version})
        for address, name, version in PROFILES
    ]
    root["conformsTo"] = profiles


def _licence(crate: Any, licence: str) -> Entity:
    address = licence if "://" in licence else f"https://spdx.org/licenses/{licence}"
    return _add(crate, address, "CreativeWork", {"name": licence})


def _add(crate: Any, name: str, kind: str | list[str], told: Mapping[str, Any]) -> Entity:
    """Add an entity, or give the one of that name."""
    found = crate.get(name)
    return found or crate.add(ContextEntity(crate, name, {"@type": kind, **told}))


def _files(crate: Any, contents: Contents) -> Any:
    """Add all files; give the study's, which is the workflow."""
    version = next((r.python for r in contents.run.stages if r.python), "")
    told = {"name": "Python", "url": "https://www.python.org/"} | _version(version)
    python = crate.add(ComputerLanguage(crate, "https://www.python.org/", told))
    workflow = None
    code = set(contents.sql.values())
    for packed in contents.files:
        described: dict[str, Any] = {
            "name": packed.path.rsplit("/", 1)[-1],
            "description": packed.description,
            "encodingFormat": packed.media_type,
            "contentSize": str(packed.bytes),
            "sha256": packed.sha256,
        }
        if packed.path == contents.workflow:
            workflow = crate.add_workflow(
                dest_path=packed.path, properties=described, main=True, lang=python
            )
            workflow["name"] = f"Study {contents.study}"
            workflow["version"] = contents.commit or "unknown"
            workflow["url"] = "./README.md"
            workflow["runtimePlatform"] = f"Headrace {contents.version}"
        elif packed.path in code:
            described |= {"@type": ["File", "SoftwareSourceCode"]}
            crate.add_file(dest_path=packed.path, properties=described)
        else:
            crate.add_file(dest_path=packed.path, properties=described)
    return workflow


def _version(version: str) -> dict[str, str]:
    return {"version": version} if version else {}


def _person(crate: Any, author: Author) -> Entity:
    name = author.orcid or "#author-" + normal(author.name.replace(" ", "-"))
    told = {"name": author.name, "givenName": author.given, "familyName": author.family}
    return _add(crate, name, "Person", {k: v for k, v in told.items() if v})


def _stage(crate: Any, contents: Contents, record: StageRecord, people: list[Entity]) -> Entity:
    results = [crate.get(path) for path in contents.results.get(record.stage, ())]
    return _action(
        crate,
        f"#stage-{record.stage}",
        people,
        name=f"Stage {record.stage} of run {record.run}",
        description=_described(contents, record),
        instrument=_instrument(crate, contents, record),
        object=_unique([*_tables(crate, contents, record), *_values(crate, contents, record)]),
        result=results,
        startTime=iso(record.started),
        endTime=iso(record.ended),
    )


def _action(crate: Any, identifier: str, people: list[Entity], **told: Any) -> Entity:
    told["actionStatus"] = "http://schema.org/CompletedActionStatus"
    if people:
        told["agent"] = people[0]
    return _add(crate, identifier, "CreateAction", {k: v for k, v in told.items() if v})


def _described(contents: Contents, record: StageRecord) -> str:
    word, read = ("workers", f"{record.items:,} items in")
    if record.kind in KINDS:
        word, read = ("nodes", f"{record.bytes_in:,} bytes in")
    workers = f", up to {record.workers:,} {word}" if record.workers else ""
    return (
        f"{read}, {record.rows_out:,} rows out,"
        f" {record.quarantined:,} quarantined;"
        f" {contents.stand_in}{record.engine}{workers}, attempt {record.attempt};"
        f" SHA-256 of the input {record.input_checksum}, of the rows {record.output_checksum}"
    )


def _instrument(crate: Any, contents: Contents, record: StageRecord) -> Entity:
    if record.kind == "query":
        return crate.get(contents.sql[record.stage])
    used = [
        _add(
            crate,
            f"pkg:pypi/{normal(name)}@{version}",  # https://github.com/package-url/purl-spec
            "SoftwareApplication",
            {"name": name, "softwareVersion": version},
        )
        for name, version in sorted(record.libraries.items())
    ]
    told = {
        "name": f"The {'program' if record.kind in KINDS else 'function'} of stage {record.stage}",
        "softwareVersion": f"sha256:{record.code}",
        "url": f"./{contents.workflow}",
        "runtimePlatform": contents.stand_in + record.engine,
    }
    if record.python:
        told_of = {"name": "Python", "softwareVersion": record.python}
        told_of["url"] = "https://www.python.org/downloads/"
        used.append(_add(crate, f"#python-{record.python}", "SoftwareApplication", told_of))
    required = {"softwareRequirements": used} if used else {}
    return _add(crate, f"#function-{record.stage}", "SoftwareApplication", told | required)


def _tables(crate: Any, contents: Contents, record: StageRecord) -> list[Entity]:
    """What it read: the results of other stages, tables of the lake at their snapshots, files."""
    found = [crate.get(path) for path in contents.inputs.get(record.stage, ())]
    if record.kind != "query" and record.stage in contents.sql:
        found.append(crate.get(contents.sql[record.stage]))
    for table, snapshot in sorted(record.snapshots.items()):
        maker = contents.run.maker(table)
        if maker and contents.results.get(maker.stage):
            found.append(crate.get(contents.results[maker.stage][0]))
        else:
            found.append(_table(crate, contents, table, snapshot))
    return found


def _table(crate: Any, contents: Contents, table: str, snapshot: int | None) -> Entity:
    told = {
        "name": f"Table {table}",
        "description": f"Apache Iceberg table of study {contents.study}, snapshot {snapshot}",
        "version": str(snapshot),
    }
    return _add(crate, f"#table-{table}-{snapshot}", "CreativeWork", told)


def _values(crate: Any, contents: Contents, record: StageRecord) -> list[Entity]:
    """The seed and the parameters of a function."""
    if record.kind == "query":
        return []
    values = {"seed": record.seed, **{f"{record.stage}.{k}": v for k, v in record.params.items()}}
    return [_value(crate, name, value) for name, value in values.items()]


#: JSON's types as schema.org calls them.
_TYPES = {bool: "Boolean", int: "Integer", float: "Float", str: "Text"}


def _value(crate: Any, name: str, value: Any) -> Entity:
    kind = _TYPES.get(type(value), "PropertyValue")
    slot = crate.get(f"#parameter-{name}")
    if slot is None:
        slot = crate.add_formal_parameter(name, kind, identifier=f"#parameter-{name}")
        crate.mainEntity.append_to("input", slot)
    shown = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    told = {"name": name, "value": shown, "exampleOfWork": slot}
    return _add(crate, f"#value-{name}", "PropertyValue", told)


def _whole(
    crate: Any, contents: Contents, workflow: Any, people: list[Entity], actions: list[Entity]
) -> Entity:
    made = {entity.id for action in actions for entity in action.get("result", [])}
    read = [e for action in actions for e in action.get("object", []) if e.id not in made]
    again = contents.pin.again if contents.pin else None
    return _action(
        crate,
        f"#run-{contents.run.id}",
        people,
        name=f"Run {contents.run.id} of study {contents.study}",
        description=(
            "All stages of the study, on snapshots of its tables that were pinned when it began"
            + (f"; those of run {again}." if again else ".")
        ),
        instrument=workflow,
        object=_unique(read),
        result=_unique([e for action in actions for e in action.get("result", [])]),
        startTime=iso(contents.run.started),
        endTime=iso(contents.run.ended),
    )


def _unique(entities: Sequence[Any]) -> list[Any]:
    return list({entity.id: entity for entity in entities}.values())
