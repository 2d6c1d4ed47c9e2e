"""Looks at what a program is about to read, and writes down what will run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.lake import listed, put_json
from lambdas.run.prepare import NothingThere
from lambdas.run.steps import lists_files


def look(
    s3: Any,
    bucket: str,
    prefix: str,
    stage: Mapping[str, Any],
    source: str,
    program: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> dict[str, int]:
    """List a stage's input, and write the facts of its try.

    Parameters
    ----------
    s3 : S3 client
    bucket, prefix : str
        The lake's, and the try's.
    stage : mapping
        From the deployed plan.
    source : str
        ``s3://`` prefix of what it reads.
    program : mapping
        What it runs.
    facts : mapping
        What else there is to tell.

    Returns
    -------
    dict
        ``files``, ``bytes``.

    Raises
    ------
    NothingThere
        Where there is nothing to read.
    """
    place, _, under = source.removeprefix("s3://").partition("/")
    found = [told for told in listed(s3, place, under) if _shows(told["Key"][len(under) :])]
    size = sum(told["Size"] for told in found)
    if not size:
        what = "rows that its SQL gives" if stage["sql"] else f"bytes under {source}"
        raise NothingThere(
            f"While looking at what stage {stage['name']} reads, found no {what}. Correct its "
            "input, or bring what it names into the lake."
        )
    keys = [told["Key"] for told in found]
    here = place == bucket
    put_json(
        s3,
        bucket,
        f"{prefix}facts.json",
        dict(facts)
        | {
            "files": [key if here else f"s3://{place}/{key}" for key in keys],
            "bytes_in": size,
            "items": 0,
            "input_checksum": _checksum(found, under, named=not stage["sql"]),
            "code": _code(stage, program),
            "libraries": dict(program.get("libraries", {})),
        },
    )
    if lists_files(stage):
        lines = "".join(f"s3://{place}/{key}\n" for key in keys)
        s3.put_object(Bucket=bucket, Key=f"{prefix}manifest/files.txt", Body=lines.encode())
    return {"files": len(found), "bytes": size}


def _shows(name: str) -> bool:
    """Whether Hadoop reads an object: not one that, or whose folder, has a hidden name."""
    return (
        bool(name)
        and not name.endswith("/")
        and not any(part.startswith(("_", ".")) for part in name.split("/"))
    )


def _checksum(found: Sequence[Mapping[str, Any]], under: str, named: bool) -> str:
    """SHA-256 of what is read: names, sizes and ETags; no names where Athena has drawn them."""
    lines = sorted(
        f"{told['Key'][len(under) :] if named else ''}\t{told['Size']}\t{told['ETag']}\n"
        for told in found
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _code(stage: Mapping[str, Any], program: Mapping[str, Any]) -> str:
    """SHA-256 of the names of what runs, which are the hashes of what is in it.

    A job's archive may hold several programs: which one is run is told beside it.
    """
    alone = [program["file"]] if "file" in program else []
    uris = [*alone, program["archive"], *program.get("jars", ())]
    names = [] if alone else [stage["program"]]
    names += [uri.rsplit("/", 1)[-1] for uri in uris]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
