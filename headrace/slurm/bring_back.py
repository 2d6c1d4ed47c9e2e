"""What a job on the cluster gave, put where the house's own job would have put it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headrace.errors import HeadraceError
from headrace.slurm.functions import Try

SUCCESS = "_SUCCESS"


class BackError(HeadraceError):
    """A result can't be brought back."""


def check(folder: Path, kind: str, workers: int) -> None:
    """Refuse a result that isn't whole.

    Parameters
    ----------
    folder : Path
        With ``result/``.
    kind : str
        `mpi` or `batch`.
    workers : int
        Of a Batch stage as many copies, each of which says of its own share that it is whole.

    Raises
    ------
    BackError
        With the rank and the reason, where the job told one.
    """
    result = folder / "result"
    array = kind == "batch" and workers > 1
    wanted = [f"{SUCCESS}.{n}" for n in range(workers)] if array else [SUCCESS]
    missing = [name for name in wanted if not (result / "out" / name).is_file()]
    if not missing:
        return
    failed = result / "failed.json"
    if failed.is_file():
        told = json.loads(failed.read_text(encoding="utf-8"))
        who = "" if told["rank"] is None else f"rank {told['rank']}: "
        where = f" ({told['where']})" if told["where"] else ""
        found, do = f"that it failed: {who}{told['reason']}{where}", "Correct that, and submit anew"
    else:
        found = f"no {missing[0]} in {result / 'out'}"
        do = "Submit the job, wait for its end, and copy result/ back"
    raise BackError(f"bringing back {folder}", found, f"{do}.")


def upload(s3: Any, this: Try, folder: Path) -> list[str]:
    """Put a whole result under the try's prefix, what says that it is whole last.

    Parameters
    ----------
    s3 : boto3 S3 client
    this : Try
    folder : Path
        With ``result/``.

    Returns
    -------
    list of str
        The keys.
    """
    result = folder / "result"
    _note(s3, this, json.loads((result / "slurm.json").read_text(encoding="utf-8")))
    names = [p.relative_to(result).as_posix() for p in result.rglob("*") if p.is_file()]
    kept = [n for n in names if n.startswith(("out/", "facts/")) or n == "libraries.json"]
    kept.sort(key=lambda name: (name.startswith(f"out/{SUCCESS}"), name))
    for name in kept:
        s3.upload_file(str(result / name), this.bucket, this.prefix + name)
    return [this.prefix + name for name in kept]


def _note(s3: Any, this: Try, slurm: dict[str, str]) -> None:
    """Have the try say where it was run, and that the house paid for no container."""
    facts, prepared = _told(s3, this, "facts.json"), _told(s3, this, "prepared.json")
    where = ", ".join(
        word
        for word in (
            slurm["version"],
            slurm["cluster"] and f"cluster {slurm['cluster']}",
            slurm["job"] and f"job {slurm['job']}",
            f"nodes {slurm['nodes']}",
        )
        if word
    )
    facts["workers"] = this.workers
    facts["engine"] = f"Slurm ({where})" if slurm["job"] else f"a shell ({where})"
    prepared["container"]["count"] = 0
    for name, told in (("facts.json", facts), ("prepared.json", prepared)):
        s3.put_object(Bucket=this.bucket, Key=this.prefix + name, Body=json.dumps(told).encode())


def _told(s3: Any, this: Try, name: str) -> dict[str, Any]:
    body = s3.get_object(Bucket=this.bucket, Key=this.prefix + name)["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found
