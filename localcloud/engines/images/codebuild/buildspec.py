"""Reads a buildspec of version 0.2, and refuses by name what can't be honoured.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from localcloud.engines.images.codebuild.errors import PhaseError

PHASES = ("install", "pre_build", "build", "post_build")
DEFAULT = "buildspec.yml"
SHELLS = ("bash", "/bin/sh")


@dataclass(frozen=True)
class Phase:
    """What one phase does.

    Parameters
    ----------
    commands, finally_ : tuple of str
        The second are run whether the first fail or not.
    goes_on : bool
        Whether the next phase comes after a failure of this one.
    """

    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()
    goes_on: bool = False


@dataclass(frozen=True)
class Buildspec:
    """What a build does."""

    phases: Mapping[str, Phase] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    shell: str = "/bin/sh"


def text(given: str, source: Path) -> str:
    """Give a buildspec's text: as it was given, or of the source's file that was named.

    Raises
    ------
    PhaseError
        Where there is no such file.
    """
    if "\n" in given or given.lstrip().startswith("{"):
        return given
    path = (source / (given or DEFAULT)).resolve()
    if not path.is_relative_to(source.resolve()) or not path.is_file():
        raise PhaseError("YAML_FILE_ERROR", f"stat {given or DEFAULT}: no such file or directory")
    return path.read_text()


def read(content: str) -> Buildspec:
    """Read a buildspec.

    Raises
    ------
    PhaseError
        Where it is none, or says what can't be honoured.
    """
    try:
        told = yaml.safe_load(content)
    except yaml.YAMLError as fault:
        raise PhaseError("YAML_FILE_ERROR", f"YAML file has a syntax error: {fault}") from fault
    if not isinstance(told, dict):
        raise PhaseError("YAML_FILE_ERROR", "The buildspec isn't a map. Write version and phases.")
    _only("the buildspec", told, ("version", "env", "phases"))
    if str(told.get("version")) != "0.2":
        raise _unable("the buildspec's version", told.get("version"))
    env = _map("env", told.get("env"))
    _only("env", env, ("variables", "shell"))
    shell = env.get("shell", "/bin/sh")
    if shell not in SHELLS:
        raise _unable("env's shell", shell)
    phases = _map("phases", told.get("phases"))
    _only("phases", phases, PHASES)
    return Buildspec(
        phases={name: _phase(name, _map(name, value)) for name, value in phases.items()},
        variables={k: str(v) for k, v in _map("variables", env.get("variables")).items()},
        shell=shell,
    )


def _phase(name: str, told: dict[str, Any]) -> Phase:
    _only(f"the phase {name}", told, ("commands", "finally", "on-failure"))
    on_failure = told.get("on-failure")
    if on_failure not in (None, "ABORT", "CONTINUE"):
        raise _unable(f"{name}'s on-failure", on_failure)
    # A failed build phase has post_build run nevertheless:
    # https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
    goes_on = on_failure == "CONTINUE" or (name == "build" and on_failure is None)
    return Phase(_commands(name, told, "commands"), _commands(name, told, "finally"), goes_on)


def _commands(name: str, told: dict[str, Any], key: str) -> tuple[str, ...]:
    found = told.get(key) or []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise PhaseError("YAML_FILE_ERROR", f"Expected {name}'s {key} to be a list of strings.")
    return tuple(found)


def _map(where: str, told: Any) -> dict[str, Any]:
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise PhaseError("YAML_FILE_ERROR", f"Expected {where} to be a map.")
    return told


def _only(where: str, told: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in told:
        if name not in known:
            raise _unable(where, name)


def _unable(where: str, found: Any) -> PhaseError:
    return PhaseError(
        "YAML_FILE_ERROR",
        f"While reading {where}, found {found}, which the local cloud can't honour. "
        "It knows version 0.2, env's variables and shell (bash, /bin/sh), and of the phases "
        "commands, finally and on-failure (ABORT, CONTINUE).",
    )
