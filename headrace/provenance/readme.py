"""The package's own README: what lies where, how to check it, how to run it again."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.provenance import prose
from headrace.provenance.checkout import Commit
from headrace.provenance.folder import PackedFile
from headrace.provenance.methods import Facts, paragraphs
from headrace.provenance.records import iso


def text(facts: Facts, files: Sequence[PackedFile], commit: Commit, notes: Sequence[str]) -> str:
    """The text, in Markdown.

    Parameters
    ----------
    facts : Facts
    files : sequence of PackedFile
    commit : Commit
    notes : sequence of str
        What a reader must know about this package, as what is not in it.
    """
    run, study = facts.run, facts.study
    size = max((len(f.path) for f in files), default=0)
    listed = "\n".join(f"    {f.path:{size}}  {f.description}" for f in files)
    remarks = "".join(f"- {note}\n" for note in notes)
    return f"""# {prose.markdown(facts.question)}

Replication package of run `{run.id}` of the Headrace study `{study}`, {iso(run.started)} to \
{iso(run.ended)}.

## How it was done
{prose.write(paragraphs(facts), "markdown")}
## What is in it
{listed}

`SHA256SUMS` has the checksum of every file; `python verify.py` compares them.
`ro-crate-metadata.json` describes all of it as an RO-Crate
(<https://www.researchobject.org/ro-crate/>). To cite it, see `CITATION.cff`. Study and
locks are those of the checkout from which the package was made; `code` in `run/runs.json` is the
SHA-256 of the code that ran.
{remarks and f"{chr(10)}Mind:{chr(10)}{remarks}"}
## How to run it again
{_again(facts, commit)}"""


def _again(facts: Facts, commit: Commit) -> str:
    run, study, folder = facts.run.id, facts.study, facts.study.replace("-", "_")
    if commit.id:
        source = f"Check out commit `{commit.id}` of the Headrace repository that it was run from."
    else:
        source = (
            f"The package was made from a checkout whose state no commit holds: {commit.why}."
            f" Take Headrace {facts.version} and put this package's `studies/{folder}` into it."
        )
    return f"""{source} Then:

    make setup
    headrace up
    headrace deploy {study}

Where the lake of this run still exists, its pinned snapshots are read again, and what differs is
named:

    headrace run {study} --again {run}

In a new lake, push the study's records first (`headrace push {study}`), then `headrace run
{study}`: the rows of each stage have the same SHA-256 as in `run/runs.json`, if the records are
the same and the stages are deterministic.
"""
