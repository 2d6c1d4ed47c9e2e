"""Reads a Dockerfile, and refuses by name what a process image can't honour.

`dockerfile_parse` finds the instructions and their words; which of them are honoured, and how
variables reach them, is said here:
https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile_parse import DockerfileParser
from dockerfile_parse.constants import COMMENT_INSTRUCTION
from dockerfile_parse.util import WordSplitter, extract_key_values

from localcloud.engines.images import run_lines
from localcloud.engines.images.errors import ImageError, UnableError

HONOURED = (
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "FROM", "LABEL", "RUN", "USER", "WORKDIR",
)  # fmt: skip
#: Docker's official image of Python, by its short name or from a mirror's `library/`.
PYTHON = re.compile(
    r"^(?:(?:[\w.-]+(?::\d+)?/)*library/)?python(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?$"
)
SHELL = ("/bin/sh", "-c")


@dataclass(frozen=True)
class Step:
    """One instruction, its variables put in.

    Parameters
    ----------
    kind : str
        As ``COPY``.
    text : str
        The line as it was written, for the log.
    words : tuple of str
        Of ``RUN`` the command; of ``COPY`` the sources, then the destination; of ``ENV`` and
        ``LABEL`` pairs, one after another.
    environment : mapping
        The variables that are set where it stands; those of ``ARG`` too.
    """

    kind: str
    text: str
    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def read(path: Path, arguments: Mapping[str, str]) -> list[Step]:
    """Read a Dockerfile.

    Parameters
    ----------
    path : Path
    arguments : mapping
        What ``--build-arg`` gave.

    Raises
    ------
    ImageError
        Where it can't be read.
    UnableError
        Where it says what a process image can't honour.
    """
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise ImageError(
            f"While reading the Dockerfile {path}, found {fault.strerror}. "
            "Name it with -f, relative to where docker is called."
        ) from fault
    parser = DockerfileParser(fileobj=io.BytesIO(content), env_replace=False)
    return _Reader(str(path), arguments).steps(parser)


class _Reader:
    def __init__(self, name: str, arguments: Mapping[str, str]) -> None:
        self._name, self._given = name, arguments
        self._args: dict[str, str] = {}
        self._env: dict[str, str] = {}
        self._declared: set[str] = set()
        self._based = False

    def steps(self, parser: DockerfileParser) -> list[Step]:
        found = [each for each in parser.structure if each["instruction"] != COMMENT_INSTRUCTION]
        self._check_lines(parser)
        steps = []
        for each in found:
            kind, text = each["instruction"], " ".join(each["value"].split())
            where = f"{self._name}, line {each['startline'] + 1}"
            if kind not in HONOURED:
                raise UnableError.of(where, kind, f"It knows {', '.join(HONOURED)}.")
            if "<<" in each["value"]:
                raise UnableError.of(
                    where, "a here-document", "Put the text into a file and COPY it."
                )
            words = self._words(kind, each["value"].strip(), where)
            known = self._args | self._env
            steps.append(Step(kind, f"{kind} {text}", tuple(words), known))
        self._check_whole(steps)
        return steps

    def _check_lines(self, parser: DockerfileParser) -> None:
        """The parser passes over lines that it can't read; Docker doesn't."""
        seen = {
            number
            for each in parser.structure
            for number in range(each["startline"], each["endline"] + 1)
        }
        for number, line in enumerate(parser.lines):
            if line.strip() and number not in seen:
                raise UnableError.of(
                    f"{self._name}, line {number + 1}", line.strip(), "Mend the line."
                )

    def _check_whole(self, steps: list[Step]) -> None:
        if not self._based:
            raise ImageError(
                f"While reading {self._name}, found no FROM. Begin with FROM python:3.12."
            )
        if extra := sorted(self._given.keys() - self._declared):
            raise ImageError(
                f"While reading {self._name}, found no ARG for the build argument "
                f"{', '.join(extra)}. Declare it, or leave it out."
            )
        _check_paths(self._name, steps)

    def _words(self, kind: str, value: str, where: str) -> list[str]:
        if kind == "FROM":
            return [self._base(value, where)]
        if not self._based and kind != "ARG":
            raise ImageError(f"While reading {where}, found {kind} before FROM. Move it below.")
        if kind == "ARG":
            return self._argument(value, where)
        if kind in ("RUN", "CMD", "ENTRYPOINT"):
            words = _command(value, where)
            if kind == "RUN":
                run_lines.check(words, where)
            return words
        if value.startswith("[") or (kind == "COPY" and value.startswith("--")):
            flag = value.split()[0]
            raise UnableError.of(where, f"{kind} {flag}", f"Write {kind} with plain words.")
        if kind in ("ENV", "LABEL"):
            return self._pairs(kind, value, where)
        return self._split(value, where, self._env)

    def _split(self, value: str, where: str, env: dict[str, str]) -> list[str]:
        return list(WordSplitter(self._plain(value, where), args=self._args, envs=env).split())

    def _plain(self, value: str, where: str) -> str:
        if odd := re.search(r"\$\{\w*[^\w}][^}]*\}", value):
            raise UnableError.of(where, odd.group(), "Give the variable itself, as ${NAME}.")
        return value

    def _base(self, value: str, where: str) -> str:
        words = self._split(value, where, {})
        if self._based:
            raise UnableError.of(where, f"FROM {value}", "Write the Dockerfile in one stage.")
        if words[0].startswith("--"):
            raise UnableError.of(where, f"FROM {words[0]}", "Leave the platform to the build.")
        if len(words) not in (1, 3) or not PYTHON.match(words[0]):
            raise UnableError.of(
                where,
                f"FROM {words[0]}",
                "Its base is this machine's Python, in the place of python:*.",
            )
        self._based = True
        self._args = {}  # those before FROM end with it
        return words[0]

    def _argument(self, value: str, where: str) -> list[str]:
        name, equals, default = self._plain(value, where).partition("=")
        name = name.strip()
        self._declared.add(name)
        told = WordSplitter(default, args=self._args, envs=self._env).dequote()
        if name in self._given or equals:
            self._args[name] = self._given.get(name, told)
        return [name, self._args.get(name, "")]

    def _pairs(self, kind: str, value: str, where: str) -> list[str]:
        try:
            pairs = extract_key_values(True, self._args, self._env, self._plain(value, where))
        except ValueError as fault:
            raise ImageError(
                f"While reading {where}, found {kind} {value}. {fault} Write NAME=VALUE."
            ) from fault
        if kind == "ENV":
            if "PATH" in dict(pairs):
                raise UnableError.of(where, "ENV PATH", "Its programs are those of its Python.")
            self._env.update(pairs)
        return [word for pair in pairs for word in pair]


def _command(value: str, where: str) -> list[str]:
    """The exec form is JSON; the other is the shell's."""
    if not value.startswith("["):
        return [*SHELL, value]
    try:
        words = json.loads(value)
    except ValueError as fault:
        raise ImageError(
            f"While reading {where}, found {value}, which is no JSON. Use double quotes."
        ) from fault
    if not words or not all(isinstance(word, str) for word in words):
        raise ImageError(f"While reading {where}, found {value}. Give a list of words.")
    return list(words)


def _check_paths(name: str, steps: list[Step]) -> None:
    """Refuse the image's absolute paths in commands: a process sees this machine's root."""
    tops = {"/" + s.words[-1].split("/")[1] for s in steps
            if s.kind in ("WORKDIR", "COPY") and s.words[-1].startswith("/")}  # fmt: skip
    tops -= {"/"}
    for step in (s for s in steps if s.kind in ("ENV", "CMD", "ENTRYPOINT")):
        for part in (p for word in step.words for p in re.split(r"[:=,\s]", word)):
            if any(part == top or part.startswith(f"{top}/") for top in tops):
                raise UnableError.of(
                    name, f"{part} in {step.text}", "Write the path relative to WORKDIR."
                )
