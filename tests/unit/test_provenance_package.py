"""The replication package: the same bytes each time, complete, and a crate that others read."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import html
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml  # type: ignore[import-untyped]
from rocrate.rocrate import ROCrate

from headrace.plan import Column
from headrace.provenance import archive, checkout, citation, crate, package, preview, results
from headrace.provenance.folder import PackedFile
from headrace.provenance.package import Wanted
from headrace.provenance.people import Author, AuthorError, author
from headrace.provenance.reading import Lake
from headrace.provenance.records import Run
from tests.unit.provenance_runs import (
    PLAN,
    STUDY,
    A,
    Answers,
    Objects,
    query_row,
    row,
    run,
)

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "provenance"
ADA = author("Ada Lovelace <0000-0002-1825-0097>")
ANSWER = b'"mean"\n"0.25"\n'
CHECKSUM = hashlib.sha256(ANSWER).hexdigest()
#: As UNLOAD writes it: times as text.
SCORED = pa.table(
    {
        "text": ["b", "a", "c", None],
        "score": [0.5, None, 0.125, -1.0],
        "blob": [b"\x00a", None, b"", b"x"],
        "at": [f"2026-01-0{n} 00:00:00.00000{n} UTC" for n in (2, 1, 3, 4)],
        "_item": [1, 0, 1, 2],
    }
)
ENTRY = f"runs/{A}/scores/1-00c0ffee/in/part-0.parquet"
HELD = {
    f"runs/{A}/run.json": b'{"run": "a", "started": "2026-11-22T12:00:00Z", "snapshots": {}}',
    f"runs/{A}/agreement/done.json": b'{"results": "s3://lake/athena/q.csv"}',
    "athena/q.csv": ANSWER,
    ENTRY: b"items",
}


def lake(held: dict[str, bytes] | None = None, **known: Any) -> Lake:
    objects = Objects(HELD if held is None else held)
    answers = {
        "UNLOAD": SCORED,
        "DISTINCT": [{"items": 12}],
        '"quarantine"': [{"reason": "x", "n": 12}],
        '"sentences"': [{"source": "shardId-000000000000", "n": 5190}],
        "avg": pa.table({"mean": [0.25]}),
    }
    return Lake(PLAN, Answers(objects, list((answers | known).items())), objects, "lake", "local")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout without git."""
    made = tmp_path / "checkout"
    for name in (
        "studies/news/study.py",
        "studies/news/queries/agreement.sql",
        "studies/news/__pycache__/study.pyc",
        "studies/news/.cache",
        "requirements/run.txt",
        "lambdas/map/requirements.txt",
        "package-lock.json",
    ):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(name)
    return made


def complete() -> Run:
    return run(row(), query_row(output_checksum=CHECKSUM))


def make(root: Path, to: Path, wanted: Wanted = Wanted(), there: Lake | None = None) -> list[str]:  # noqa: B008
    return package.make(there or lake(), complete(), root, to, wanted)


def test_two_packages_of_one_run_are_equal_bytes(root: Path, tmp_path: Path) -> None:
    a, b = tmp_path / "a.zip", tmp_path / "deep" / "b.zip"
    make(root, a, Wanted((ADA,), "CC-BY-4.0", True))
    for path in sorted(root.rglob("*")):
        path.touch()
    make(root, b, Wanted((ADA,), "CC-BY-4.0", True))
    assert a.read_bytes() == b.read_bytes()
    assert not list(tmp_path.rglob("*.part"))


def unpacked(zipped: Path) -> Path:
    folder = zipped.with_suffix("")
    with zipfile.ZipFile(zipped) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(archive.namelist())
        archive.extractall(folder)
    return folder


def test_it_holds_all_that_is_needed_and_checks_itself(root: Path, tmp_path: Path) -> None:
    notes = make(root, tmp_path / "p.zip", Wanted(inputs=True))
    folder = unpacked(tmp_path / "p.zip")
    assert notes == []
    assert archive.files_of(folder) == (GOLDEN / "package.txt").read_text().splitlines()
    rows = pq.read_table(folder / "results" / "scores.parquet")
    assert rows["_item"].to_pylist() == [0, 1, 1, 2]
    assert rows["text"].to_pylist() == ["a", "b", "c", None]
    assert rows["at"][0].as_py() == datetime.datetime(2026, 1, 1, 0, 0, 0, 1, datetime.UTC)
    lines = (folder / "results" / "scores.csv").read_text().splitlines()
    assert lines == (GOLDEN / "scores.csv").read_text().splitlines()
    assert (folder / "results" / "agreement.csv").read_bytes() == ANSWER
    assert (folder / "inputs" / "scores" / "part-0.parquet").read_bytes() == b"items"
    records = json.loads((folder / "run" / "runs.json").read_text())
    assert [r["stage"] for r in records] == ["scores", "agreement"]
    assert f"headrace run news --again {A}" in (folder / "README.md").read_text()
    assert "no git repository" in (folder / "README.md").read_text()
    verify = [sys.executable, str(folder / "verify.py")]
    assert subprocess.run(verify, capture_output=True).returncode == 0
    (folder / "results" / "scores.csv").write_text("changed")
    (folder / "run" / "run.json").unlink()
    (folder / "new.txt").write_text("")
    told = subprocess.run(verify, capture_output=True, text=True)
    assert told.returncode == 1
    assert told.stdout.splitlines()[:3] == [
        "changed: results/scores.csv",
        "missing: run/run.json",
        "not listed: new.txt",
    ]


def test_sums_are_those_of_sha256sum(root: Path, tmp_path: Path) -> None:
    make(root, tmp_path / "p.zip")
    folder = unpacked(tmp_path / "p.zip")
    lines = [line.split("  ", 1) for line in (folder / "SHA256SUMS").read_text().splitlines()]
    listed = {name: checksum for checksum, name in lines}
    wanted = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in archive.files_of(folder)
        if name != "SHA256SUMS"
    }
    assert listed == wanted


def test_what_is_not_in_it_is_said(root: Path, tmp_path: Path) -> None:
    held = {k: v for k, v in HELD.items() if "athena" not in k and "run.json" not in k}
    del held[ENTRY]
    notes = make(root, tmp_path / "p.zip", Wanted(inputs=True), lake(held))
    assert [note.split("`")[1] for note in notes] == ["run.json", "scores", "agreement"]
    readme = (unpacked(tmp_path / "p.zip") / "README.md").read_text()
    for note in notes:
        assert f"- {note}\n" in readme
    assert "asked again" in readme


def test_a_failure_leaves_no_package(root: Path, tmp_path: Path) -> None:
    broken = lake(UNLOAD=RuntimeError("the snapshot is gone"))
    with pytest.raises(RuntimeError, match="snapshot is gone"):
        make(root, tmp_path / "p.zip", there=broken)
    assert not (tmp_path / "p.zip").exists()


def entities(folder: Path) -> dict[str, dict[str, Any]]:
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    found = {entity["@id"]: entity for entity in graph}
    assert len(found) == len(graph)
    return found


def ids(value: Any) -> list[str]:
    return [v["@id"] for v in (value if isinstance(value, list) else [value])]


def test_the_crate_has_what_its_profiles_want(root: Path, tmp_path: Path) -> None:
    make(root, tmp_path / "p.zip", Wanted((ADA,), "CC-BY-4.0", True))
    folder = unpacked(tmp_path / "p.zip")
    found = entities(folder)
    top = found["./"]
    # RO-Crate 1.1, Root Data Entity
    assert {"name", "description", "datePublished", "license"} <= top.keys()
    assert ids(found["ro-crate-metadata.json"]["conformsTo"]) == [
        "https://w3id.org/ro/crate/1.1",
        "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
    ]
    # Workflow Run Crate 0.5, Requirements: Dataset
    for profile in ids(top["conformsTo"]):
        assert found[profile]["@type"] == "CreativeWork"
        assert {"name", "version"} <= found[profile].keys()
    assert {p.rsplit("/", 2)[1] for p in ids(top["conformsTo"])} == {
        *("process", "workflow", "workflow-ro-crate")
    }
    # Workflow RO-Crate 1.0: Main Workflow
    workflow = found[top["mainEntity"]["@id"]]
    assert workflow["@type"] == ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    assert found[workflow["programmingLanguage"]["@id"]]["@type"] == "ComputerLanguage"
    # Process Run Crate 0.5, Requirements: CreateAction, and the tool that is its instrument
    actions = [e for e in found.values() if e["@type"] == "CreateAction"]
    assert sorted(ids(top["mentions"])) == sorted(a["@id"] for a in actions)
    assert len(actions) == 3
    for action in actions:
        assert {"name", "description", "startTime", "endTime", "object", "result"} <= action.keys()
        tool = found[action["instrument"]["@id"]]
        kinds = {tool["@type"]} if isinstance(tool["@type"], str) else {*tool["@type"]}
        assert kinds & {"SoftwareApplication", "SoftwareSourceCode", "ComputationalWorkflow"}
        assert ids(action["agent"]) == [ADA.orcid]
        assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
        for used in (*ids(action["object"]), *ids(action["result"])):
            assert used in found, used
    assert [ids(a["instrument"]) for a in actions if a["@id"] == f"#run-{A}"] == [
        ["studies/news/study.py"]
    ]
    # Workflow Run Crate 0.5: FormalParameter
    for slot in ids(workflow["input"]):
        assert found[slot]["@type"] == "FormalParameter"
        assert found[slot]["additionalType"] in ("Integer", "Text")
    values = [e for e in found.values() if e["@type"] == "PropertyValue"]
    assert {(v["name"], v["value"]) for v in values} == {
        ("seed", "25"),
        ("scores.lexicon", "VADER_2014"),
    }
    assert all(ids(v["exampleOfWork"])[0] in ids(workflow["input"]) for v in values)
    libraries = found["#function-scores"]["softwareRequirements"]
    assert "pkg:pypi/vadersentiment@3.3.2" in ids(libraries)


def test_every_file_but_the_sums_is_described(root: Path, tmp_path: Path) -> None:
    make(root, tmp_path / "p.zip")
    folder = unpacked(tmp_path / "p.zip")
    found = entities(folder)
    files = set(archive.files_of(folder)) - {"SHA256SUMS", "ro-crate-metadata.json"}
    assert files <= found.keys()
    for name in ids(found["./"]["hasPart"]):
        body = (folder / name).read_bytes()
        assert found[name]["contentSize"] == str(len(body))
        assert found[name]["sha256"] == hashlib.sha256(body).hexdigest()


def test_the_library_reads_it_back(root: Path, tmp_path: Path) -> None:
    make(root, tmp_path / "p.zip", Wanted((ADA,)))
    back = ROCrate(tmp_path / "p.zip")
    assert back.name == STUDY.question
    assert back.mainEntity["name"] == "Study news"
    assert back.license == crate.UNKNOWN_LICENCE
    assert {e.id for e in back.get_by_type("CreateAction")} == {
        *(f"#run-{A}", "#stage-scores", "#stage-agreement")
    }
    assert {e["name"] for e in back.get_by_type("Person")} == {"Ada Lovelace"}


def test_nobody_is_named_who_was_not_given(root: Path, tmp_path: Path) -> None:
    make(root, tmp_path / "p.zip")
    found = entities(unpacked(tmp_path / "p.zip"))
    assert not [e for e in found.values() if e["@type"] == "Person" or "agent" in e]
    assert "author" not in found["./"]


def contents(**other: Any) -> crate.Contents:
    files = [
        PackedFile("results/agreement.csv", 13, "aa", "text/csv", "Answer <1>"),
        PackedFile("results/scores.parquet", 5, "bb", "application/vnd.apache.parquet", "Rows"),
        PackedFile("sql/agreement.sql", 7, "cc", "application/sql", "SQL"),
        PackedFile("studies/news/study.py", 9, "dd", "text/x-python", "Part of the study"),
    ]
    told: dict[str, Any] = {
        "study": "news",
        "question": STUDY.question,
        "run": complete(),
        "pin": None,
        "workflow": "studies/news/study.py",
        "version": "0.1.0",
        "files": files,
        "sql": {"agreement": "sql/agreement.sql"},
        "results": {"agreement": ["results/agreement.csv"], "scores": ["results/scores.parquet"]},
        "stand_in": "a local stand-in for ",
    }
    return crate.Contents(**told | other)


def test_the_metadata_is_what_it_was() -> None:
    golden = (GOLDEN / "ro-crate-metadata.json").read_text(encoding="utf-8")
    assert crate.text(crate.metadata(contents())) == golden


def test_the_preview_says_what_was_said_and_nothing_else() -> None:
    page = preview.page(contents(authors=(ADA,)), "one < two\n\nthree\n")
    assert f"<h1>{html.escape(STUDY.question)}</h1>" in page
    assert "<news>" not in page
    assert "<p>one &lt; two</p>\n<p>three</p>" in page
    assert "Answer &lt;1&gt;" in page
    assert "Ada Lovelace" in page
    assert "<script" not in page


#: https://github.com/citation-file-format/citation-file-format/blob/1.2.0/schema.json
CFF_KEYS = {
    *("abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi"),
    *("identifiers", "keywords", "license", "license-url", "message", "preferred-citation"),
    *("references", "repository", "repository-artifact", "repository-code", "title", "type"),
    *("url", "version"),
}


@pytest.mark.parametrize("authors", [(), (ADA, author("van Rossum, Guido"))])
def test_the_citation_is_valid_yaml_with_the_formats_keys(authors: tuple[Author, ...]) -> None:
    question = 'Is "it": #1 — yes?'
    told = yaml.safe_load(citation.cff("news", question, A, "2026-11-22", authors, ""))
    assert told.keys() <= CFF_KEYS
    assert {"authors", "cff-version", "message", "title"} <= told.keys()
    assert (told["cff-version"], told["title"]) == ("1.2.0", question)
    assert told["date-released"] == "2026-11-22"
    assert "license" not in told
    if not authors:
        assert told["authors"] == [{"name": "The authors of study news"}]
    else:
        assert told["authors"][0]["orcid"] == ADA.orcid
        assert told["authors"][1] == {"family-names": "van Rossum", "given-names": "Guido"}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Ada Lovelace", Author("Ada", "Lovelace")),
        ("  Plato ", Author("", "Plato")),
        ("Lovelace, Ada <https://orcid.org/0000-0002-1825-0097>",
         Author("Ada", "Lovelace", "https://orcid.org/0000-0002-1825-0097")),
        ("X Y <0000-0002-9079-593X>", Author("X", "Y", "https://orcid.org/0000-0002-9079-593X")),
    ],
)  # fmt: skip
def test_an_author_is_read(text: str, read: Author) -> None:
    assert author(text) == read


@pytest.mark.parametrize(
    "text", ["", "<0000-0002-1825-0097>", "A <0000-0002-1825-0098>", "A <12>", "A <b> c"]
)
def test_an_author_without_name_or_with_a_wrong_id_is_refused(text: str) -> None:
    with pytest.raises(AuthorError, match=r"While reading an author, found .+\. [A-Z].+\.$"):
        author(text)


def test_a_commit_is_named_only_where_it_holds_everything(root: Path) -> None:
    def git(*words: str) -> None:
        told = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(root), *told, *words], check=True, capture_output=True)

    assert checkout.commit(root).id == ""
    git("init", "--quiet")
    assert checkout.commit(root).why == "the checkout was no git repository with a commit"
    git("add", ".")
    git("commit", "--quiet", "-m", "all")
    assert len(checkout.commit(root).id) == 40
    assert checkout.commit(root / "studies").why == "the checkout lay inside another git repository"
    (root / "new").write_text("")
    assert checkout.commit(root).why == "the checkout had changes that were not committed"


def test_a_large_table_has_no_csv_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "CSV_MOST_BYTES", 10)
    assert [p.name for p in results.write(pa.table({"a": [1]}), tmp_path / "t")] == ["t.parquet"]


def test_times_are_unloaded_as_text_and_an_empty_table_keeps_its_types() -> None:
    columns = [Column("at", "timestamptz"), Column("n", "long")]
    sql = results.unload_sql("t", columns, 7, "s3://lake/x/")
    assert sql == (
        'UNLOAD (SELECT CAST("at" AS varchar) AS "at", "n" FROM "t" FOR VERSION AS OF 7)'
        " TO 's3://lake/x/' WITH (format = 'PARQUET', compression = 'ZSTD')"
    )
    made = PLAN.stages[0].table
    assert made is not None
    none = dataclasses.replace(lake(), ask=lambda sql: pa.table({}), s3=Objects())
    assert results.table(none, made, 7).schema.field("at").type == pa.timestamp("us", tz="UTC")


def test_rows_that_nothing_orders_are_sorted() -> None:
    rows = pa.table({"a": [3, None, 1], "b": ["x", "y", "z"]})
    there = dataclasses.replace(lake(), ask=lambda sql: rows)
    assert results.answer(there, "SELECT a, b FROM t")["a"].to_pylist() == [None, 1, 3]
    assert results.answer(there, "SELECT a, b FROM t ORDER BY b") is rows
    assert results.csv_text(pa.table({"a": [True, None], "b": [b"\x01", None]})) == (
        "a,b\ntrue,01\n,\n"
    )
