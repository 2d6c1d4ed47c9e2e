"""Which RUN lines a process image honours: pip's and Python's own, as they stand.

Others would change this machine (`apt-get`, `useradd`) or write beyond the image.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from localcloud.engines.images.errors import UnableError

PROGRAM = re.compile(r"^(pip|python)(\d+(\.\d+)?)?$")
DO = "RUN pip … and RUN python … are honoured, joined by && alone, with relative paths."


def check(words: Sequence[str], where: str) -> None:
    """Refuse a command that isn't one of them.

    Raises
    ------
    UnableError
    """
    if tuple(words[:2]) == ("/bin/sh", "-c"):
        line = words[2]
        if line.startswith("--"):
            raise UnableError.of(where, f"RUN {line.split()[0]}", DO)
        commands = _commands(line, where)
    else:
        commands = [list(words)]
    for command in commands:
        if not command or not PROGRAM.match(command[0]):
            raise UnableError.of(where, f"RUN {shlex.join(command) or words[-1]}", DO)
        for word in command[1:]:
            if word.partition("=")[2].startswith("/") or word.startswith(("/", "~", "../")):
                raise UnableError.of(where, f"the path {word} in RUN {command[0]}", DO)


def _commands(line: str, where: str) -> list[list[str]]:
    if odd := re.search(r"\$\(|`", line):
        raise UnableError.of(where, f"{odd.group()} in RUN {line}", DO)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    found: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word == "&&":
                found.append([])
            elif set(word) <= set("();<>|&") and word:
                raise UnableError.of(where, f"{word} in RUN {line}", DO)
            else:
                found[-1].append(word)
    except ValueError as fault:
        raise UnableError.of(where, f"RUN {line} ({fault})", DO) from fault
    return found
