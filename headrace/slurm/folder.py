"""The folder that goes to the cluster and comes back.

::

    FOLDER/
      README.md           what to do, in order
      stage_in.sh         for the login node: fetches, checks, installs
      job.sbatch          for sbatch
      stage-in.tsv        SHA-256, size, name and URI of each file of the input
      input/              these files
      program.zip         the program, as it is deployed
      boot/               what starts it, as in the container
      requirements.txt    its packages and their hashes, the image's lock
      try.json            which try of the house this is
      result/             comes of the job: out/, facts/, libraries.json, or failed.json
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from headrace.errors import HeadraceError
from headrace.plan import ROOT
from headrace.slurm.functions import Try
from headrace.slurm.stage_in import Staged, listing

BOOT = ROOT / "tasks" / "boot"
TRY = "try.json"
_HERE = Path(__file__).parent


class FolderError(HeadraceError):
    """A folder can't be written, or isn't what it should be."""


def check_new(folder: Path) -> None:
    """Refuse a folder that has something in it.

    Raises
    ------
    FolderError
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderError(
            "writing a folder for Slurm", f"{folder} there already", "Name a new one with --out."
        )


def write(
    folder: Path,
    this: Try,
    staged: Sequence[Staged],
    image: str,
    script: str,
    program: bytes,
    told: dict[str, Any],
) -> None:
    """Write all but the input, which is there.

    Parameters
    ----------
    folder : Path
    this : Try
    staged : sequence of Staged
        The input.
    image : str
        Folder of the image whose lock says the packages.
    script : str
        The sbatch script.
    program : bytes
        The program's archive.
    told : dict
        What the README names.
    """
    (folder / "program.zip").write_bytes(program)
    (folder / "stage-in.tsv").write_text(listing(staged), encoding="utf-8")
    (folder / "job.sbatch").write_text(script, encoding="utf-8")
    (folder / TRY).write_text(json.dumps(this.document(), indent=2) + "\n", encoding="utf-8")
    shutil.copy(ROOT / image / "requirements.txt", folder / "requirements.txt")
    shutil.copytree(BOOT, folder / "boot", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(_HERE / "stage_in.sh", folder / "stage_in.sh")
    for name in ("stage_in.sh", "job.sbatch"):
        (folder / name).chmod(0o755)
    # Slurm opens the log before the script begins, and makes no folder for it.
    (folder / "log").mkdir()
    text = Template((_HERE / "folder.md").read_text(encoding="utf-8"))
    (folder / "README.md").write_text(text.substitute(told), encoding="utf-8")


def read(folder: Path, study: str, stage: str) -> Try:
    """Which try a folder is.

    Raises
    ------
    FolderError
        Where it isn't one of this study and stage.
    """
    path = folder / TRY
    if not path.is_file():
        raise FolderError(
            "reading a folder of Slurm",
            f"no {TRY} in {folder}",
            "Name the folder that `headrace slurm … --out` wrote.",
        )
    this = Try(**json.loads(path.read_text(encoding="utf-8")))
    if (this.study, this.stage) != (study, stage):
        raise FolderError(
            f"bringing back stage {stage} of {study}",
            f"that {folder} is stage {this.stage} of {this.study}",
            "Name that stage, or another folder.",
        )
    return this
