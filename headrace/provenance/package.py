"""Puts a replication package together: gathers files in a folder, describes and packs them.

The order matters: what others describe comes first. ::

    checkout, run, sql, results, inputs ─▶ README, CITATION ─▶ RO-Crate ─▶ SHA256SUMS ─▶ zip
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headrace.errors import HeadraceError
from headrace.provenance import archive, checkout, citation, facts, prose, reading, readme, results
from headrace.provenance.folder import Folder
from headrace.provenance.methods import Facts, paragraphs
from headrace.provenance.people import Author
from headrace.provenance.reading import Lake
from headrace.provenance.records import Run, StageRecord


class PackageError(HeadraceError):
    """A package can't be made."""


@dataclass(frozen=True)
class Wanted:
    """What else the user said.

    Parameters
    ----------
    authors : sequence of Author
    licence : str
        An SPDX identifier or an address.
    inputs : bool
        Whether the items that the stages got are included.
    """

    authors: Sequence[Author] = ()
    licence: str = ""
    inputs: bool = False


def make(
    lake: Lake,
    run: Run,
    root: Path,
    to: Path,
    wanted: Wanted,
    on_step: Callable[[float, float | None, str], None] = lambda *_: None,
) -> list[str]:
    """Make the package of a run.

    Parameters
    ----------
    lake : Lake
    run : Run
    root : Path
        The checkout.
    to : Path
        The zip; replaced where it is there.
    wanted : Wanted
    on_step : callable
        Told how many steps are done, of how many, and which is next.

    Returns
    -------
    list of str
        What the reader of the package must know, as what is not in it.

    Raises
    ------
    PackageError
        Where the library that describes it isn't installed.
    headrace.sql.QueryError
        Where a snapshot is gone.
    """
    _check_library()
    steps = 3 + len(run.stages)
    with tempfile.TemporaryDirectory(prefix="headrace-package-") as temporary:
        folder = Folder(Path(temporary))
        on_step(0, steps, "the study and its records")
        _put_checkout(folder, root, lake.plan.package)
        _put_run(folder, lake, run)
        for place, record in enumerate(run.stages):
            on_step(1 + place, steps, record.stage)
            _put_stage(folder, lake, record, wanted.inputs)
        on_step(steps - 2, steps, "the descriptions")
        told = facts.of(lake, run, root)
        _describe(folder, told, root, wanted)
        on_step(steps - 1, steps, to.name)
        archive.pack(folder.path, to)
        on_step(steps, steps, to.name)
        return folder.notes


def _check_library() -> None:
    try:
        import rocrate  # noqa: F401
    except ImportError as missing:
        raise PackageError(
            "making a package", "no package rocrate", "Run `make setup`, or install rocrate 0.16."
        ) from missing


def _put_checkout(folder: Folder, root: Path, package: str) -> None:
    for name, what in checkout.files(root, package).items():
        target = folder.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
        folder.described[name] = what
    shutil.copyfile(Path(__file__).with_name("verify.py"), folder.path / "verify.py")
    folder.described["verify.py"] = "Compares the files with SHA256SUMS"


def _put_run(folder: Folder, lake: Lake, run: Run) -> None:
    pin = lake.object(f"runs/{run.id}/run.json")
    if pin is None:
        folder.notes.append("The lake no longer has the run's `run.json`, its pinned snapshots.")
    else:
        folder.write("run/run.json", pin, "The snapshots that the run was pinned to")
    records = [r.document() for r in sorted(run.records, key=lambda r: (r.started, r.stage))]
    text = json.dumps(records, indent=2, ensure_ascii=False) + "\n"
    folder.write("run/runs.json", text, "The run's rows of the table runs, of all attempts")


def _put_stage(folder: Folder, lake: Lake, record: StageRecord, inputs: bool) -> None:
    stage = record.stage
    if record.sql:
        what = f"SQL of stage {stage} as it was asked, with its snapshots"
        folder.sql[stage] = folder.write(f"sql/{stage}.sql", record.sql.rstrip() + "\n", what)
    if record.kind == "query":
        _put_answer(folder, lake, record)
    else:
        _put_table(folder, lake, record)
        if inputs:
            _put_inputs(folder, lake, record)


def _put_table(folder: Folder, lake: Lake, record: StageRecord) -> None:
    made = next((s.table for s in lake.plan.stages if s.name == record.stage), None)
    if made is None or record.snapshot is None:
        why = "the study has no such stage any more" if made is None else "it has no snapshot"
        folder.notes.append(f"The table of stage `{record.stage}` is not in it: {why}.")
        return
    rows = results.table(lake, made, record.snapshot)
    written = results.write(rows, folder.path / "results" / record.stage)
    names = [path.relative_to(folder.path).as_posix() for path in written]
    for name in names:
        folder.described[name] = f"Rows of stage {record.stage} ({rows.num_rows:,})"
    if len(names) == 1:
        folder.notes.append(f"`{names[0]}` has no CSV beside it: it would be too large.")
    folder.results[record.stage] = names


def _put_answer(folder: Folder, lake: Lake, record: StageRecord) -> None:
    name = f"results/{record.stage}.csv"
    told = f"Answer to query {record.stage} ({record.rows_out:,} rows)"
    stored = reading.stored_answer(lake, record)
    if stored is not None:
        folder.results[record.stage] = [folder.write(name, stored, told)]
        return
    rows = results.answer(lake, record.sql or "")
    what = f"Answer to query {record.stage} ({rows.num_rows:,} rows), asked again"
    folder.results[record.stage] = [folder.write(name, results.csv_text(rows), what)]
    folder.notes.append(
        f"The lake no longer has the answer that query `{record.stage}` gave in the run"
        f" ({record.rows_out:,} rows). It was asked again, at the same snapshots, and gave"
        f" {rows.num_rows:,} rows; its checksum can't be compared."
    )
    if empty := [table for table, snapshot in record.snapshots.items() if snapshot is None]:
        folder.notes.append(
            f"In the run query `{record.stage}` read {', '.join(f'`{t}`' for t in sorted(empty))}"
            " while empty, which no snapshot pins: asked again, it reads rows that came later."
        )


def _put_inputs(folder: Folder, lake: Lake, record: StageRecord) -> None:
    stage = record.stage
    own = [key for key in record.files if key.startswith(f"runs/{record.run}/{stage}/")]
    for key in own:
        body = lake.object(key)
        if body is None:
            folder.notes.append(f"An input of stage `{stage}` is gone from the lake: `{key}`.")
            continue
        name = folder.write(f"inputs/{stage}/{Path(key).name}", body, f"Items of stage {stage}")
        folder.inputs.setdefault(stage, []).append(name)
    if len(own) < len(record.files):
        folder.notes.append(
            f"{len(record.files) - len(own):,} files that stage `{stage}` read are not in it;"
            " `run/runs.json` has their names."
        )


def _describe(folder: Folder, told: Facts, root: Path, wanted: Wanted) -> None:
    # rocrate is an extra: `package` in pyproject.toml
    from headrace.provenance import crate, preview

    commit = checkout.commit(root)
    day = told.run.ended.date().isoformat()
    spdx = "" if "://" in wanted.licence else wanted.licence
    cff = citation.cff(told.study, told.question, told.run.id, day, wanted.authors, spdx)
    folder.write("CITATION.cff", cff, "How to cite this package")
    text = prose.write(paragraphs(told), "markdown")
    folder.write("methods.md", text, "What was done, in prose, from the run's records")
    page = readme.text(told, folder.packed(), commit, folder.notes)
    folder.write("README.md", page, "What this is, and how to run it again")
    contents = crate.Contents(
        study=told.study,
        question=told.question,
        run=told.run,
        pin=told.pin,
        workflow=f"studies/{told.study.replace('-', '_')}/study.py",
        version=told.version,
        files=folder.packed(),
        sql=folder.sql,
        results=folder.results,
        inputs=folder.inputs,
        authors=wanted.authors,
        licence=wanted.licence,
        commit=commit.id,
        stand_in=told.stand_in,
    )
    (folder.path / "ro-crate-metadata.json").write_text(
        crate.text(crate.metadata(contents)), encoding="utf-8"
    )
    (folder.path / "ro-crate-preview.html").write_text(
        preview.page(contents, prose.write(paragraphs(told), "text")), encoding="utf-8"
    )
    archive.write_sums(folder.path)
