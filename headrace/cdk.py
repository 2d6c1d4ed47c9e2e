"""Runs the project's own `cdk` against a target and tells what it says, event by event.

It adds nothing: `eval "$(headrace env)"` and a bare `npx cdk deploy --all -c study=NAME` do
the same.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headrace.errors import HeadraceError
from headrace.plan import ROOT
from headrace.target import Target

CDK = ROOT / "node_modules" / ".bin" / "cdk"

#: A user's own settings that would take precedence over a target's credentials.
_OVERRIDES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")

# "headrace-speeches-data |  3/12 | 10:11:12 PM | CREATE_COMPLETE | AWS::S3::Bucket | Lake (L1)"
_EVENT = re.compile(
    r"^\s*(?P<stack>[\w-]+) \|\s*(?:(?P<done>\d+)/(?P<total>\d+)|\d+)? \| [^|]+ \| "
    r"(?P<status>[A-Z_]+)\s+\| (?P<type>\S+)\s+\| (?P<name>.*?)\s*$"
)
#: A line, no event, that says why: cdk's own, or the app's (`headrace: While ...`).
_BLUNT = re.compile(r"❌|‣|^headrace: |^(?!\s*(at|[\w$']+:) ).*(Error\b|Failed)")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class CdkError(HeadraceError):
    """The cdk ended with an error."""


@dataclass(frozen=True)
class Event:
    """One thing that happened to one resource.

    Parameters
    ----------
    stack, status, type, name : str
        As CloudFormation tells them: ``CREATE_COMPLETE``, ``AWS::S3::Bucket``, the logical name
        with the reason of a failure behind it.
    done, total : int or None
        Resources of the stack that are done, and all of them, where the cdk knows.
    """

    stack: str
    status: str
    type: str
    name: str
    done: int | None = None
    total: int | None = None


def event_of(line: str) -> Event | None:
    """Read one line of `cdk deploy --progress events`; None for any other line."""
    match = _EVENT.match(line)
    if match is None:
        return None
    done, total = match["done"], match["total"]
    return Event(
        stack=match["stack"],
        status=match["status"],
        type=match["type"],
        name=match["name"],
        done=int(done) if done else None,
        total=int(total) if total else None,
    )


def programs() -> str:
    """The folder of this Python and what was installed with it, the aws CLI and Node among it."""
    return str(Path(sys.executable).parent)


def environment(target: Target) -> dict[str, str]:
    """The environment in which any AWS tool works against `target`."""
    own = dict(os.environ)
    if "AWS_ACCESS_KEY_ID" in target.environment:
        for name in _OVERRIDES:
            own.pop(name, None)
    own.pop("PYTHONDONTWRITEBYTECODE", None)  # synth runs four times slower without .pyc
    # Node keeps the cdk's ten megabytes of JavaScript compiled, as Python does: 0.4 s a start.
    own.setdefault("NODE_COMPILE_CACHE", str(ROOT / ".cache" / "node"))
    path = os.pathsep.join([programs(), own.get("PATH", os.defpath)])
    return own | target.environment | {"PATH": path}


def run(
    target: Target,
    words: Sequence[str],
    *,
    doing: str,
    log: Path,
    on_line: Callable[[str], None] = lambda line: None,
) -> None:
    """Run `cdk WORDS` in the repository and wait for its end.

    Parameters
    ----------
    target : Target
    words : sequence of str
        The command and its options.
    doing : str
        What it is run for, as in "deploying speeches".
    log : Path
        Where all it says is kept.
    on_line : callable
        Given each line as it comes, without colours.

    Raises
    ------
    CdkError
        With the reasons that it gave.
    """
    if not CDK.exists():
        raise CdkError(doing, f"no {CDK.relative_to(ROOT)}", "Install it with `npm ci`.")
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(CDK), *words, "--no-notices", "--ci", "--no-color"]
    said: list[str] = []
    with (
        log.open("w", encoding="utf-8") as kept,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(target),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        for raw in process.stdout or ():
            line = _ESCAPES.sub("", raw).rstrip()
            kept.write(line + "\n")
            said.append(line)
            on_line(line)
    if process.returncode:
        raise CdkError(
            doing,
            f"exit status {process.returncode} of cdk:\n{reasons(said)}",
            f"Mend what it names; all it said is in {log}.",
        )


def reasons(said: Sequence[str]) -> str:
    """The lines of a failed run that say why; its last lines where none does."""
    told: list[str] = []
    for line in said:
        event = event_of(line)
        failed = event is not None and event.status.endswith("FAILED")
        blunt = event is None and _BLUNT.search(line) is not None
        if (failed or blunt) and line.strip() not in told:
            told.append(line.strip())
    return "\n".join(told[:20] or [line for line in said if line.strip()][-20:])
