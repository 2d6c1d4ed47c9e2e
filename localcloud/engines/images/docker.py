"""The `docker` of the local cloud: build, tag, login, push. What else Docker has is refused.

It makes process images, kept in the folder ``LOCALCLOUD_DOCKER``, without it in that of the
layers; where the cloud runs containers, real ones, by Podman.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from localcloud.engines.images import build, layers, podman, registry
from localcloud.engines.images.errors import ImageError
from localcloud.engines.images.names import Name
from localcloud.engines.images.store import Store

AnyStore = Store | podman.Store


class _Words(argparse.ArgumentParser):
    """A parser that says what this docker hasn't got."""

    def error(self, message: str) -> NoReturn:
        print(
            f"docker: While reading the command's words, found: {message}. "
            "The local cloud's docker knows build (-f, -t, --build-arg, --progress, -q), tag, "
            "login and push. Leave the rest out.",
            file=sys.stderr,
        )
        sys.exit(125)  # as docker exits where it itself can't go on


def main(words: Sequence[str] | None = None) -> None:
    """Do one command."""
    given = _parser().parse_args(words)
    folder = Path(os.environ.get("LOCALCLOUD_DOCKER") or layers.folder() / "docker")
    try:
        engine = podman.program()
        store = podman.Store(folder, engine) if engine else Store(folder)
        {"build": _build, "tag": _tag, "login": _login, "push": _push}[given.verb](given, store)
    except ImageError as fault:
        print(f"docker: {fault}", file=sys.stderr, flush=True)
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = _Words(prog="docker", description=__doc__, allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True, parser_class=_Words)
    made = verbs.add_parser("build", help="make a process image", allow_abbrev=False)
    made.add_argument("context", type=Path)
    made.add_argument("-f", "--file", type=Path)
    made.add_argument("-t", "--tag", action="append", default=[])
    made.add_argument("--build-arg", action="append", default=[])
    made.add_argument("--progress", choices=["auto", "plain"])
    made.add_argument("-q", "--quiet", action="store_true")
    tagged = verbs.add_parser("tag", help="give an image another name")
    tagged.add_argument("source")
    tagged.add_argument("target")
    login = verbs.add_parser("login", help="show a registry the password", allow_abbrev=False)
    login.add_argument("-u", "--username", required=True)
    login.add_argument("--password-stdin", action="store_true", required=True)
    login.add_argument("host")
    pushed = verbs.add_parser("push", help="put an image into a registry", allow_abbrev=False)
    pushed.add_argument("-q", "--quiet", action="store_true")
    pushed.add_argument("name")
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


def _build(given: argparse.Namespace, store: AnyStore) -> None:
    if not given.context.is_dir():
        raise ImageError(
            f"While building, found no folder {given.context}. Name the build's context, as `.`."
        )
    names = [Name.of(tag) for tag in given.tag]
    arguments = dict(_argument(each) for each in given.build_arg)
    file = given.file or given.context / "Dockerfile"
    unsaid: list[str] = []
    say = unsaid.append if given.quiet else _say
    try:
        if isinstance(store, podman.Store):
            id_ = store.build(given.context, file, arguments, names, say)
        else:
            image = build.build(given.context, file, arguments, layers.folder(), say)
            store.put(image, names)
            id_ = image.id
    except ImageError:
        print(*unsaid, sep="\n", file=sys.stderr)
        raise
    _say(id_ if given.quiet else f"Successfully built {id_.partition(':')[2][:12]}")
    for name in names:
        say(f"Successfully tagged {name}")


def _argument(text: str) -> tuple[str, str]:
    """``NAME=VALUE``, or ``NAME`` of the environment, as docker takes it."""
    name, equals, value = text.partition("=")
    return name, value if equals else os.environ.get(name, "")


def _tag(given: argparse.Namespace, store: AnyStore) -> None:
    store.tag(given.source, Name.of(given.target))


def _login(given: argparse.Namespace, store: AnyStore) -> None:
    registry.login(given.host, given.username, sys.stdin.read().rstrip("\r\n"))
    _say("Login Succeeded")


def _push(given: argparse.Namespace, store: AnyStore) -> None:
    name = Name.of(given.name)
    say = (lambda _: None) if given.quiet else _say
    registry.push(name, store.manifest(given.name), store.blobs, say)
    if given.quiet:
        _say(str(name))


if __name__ == "__main__":
    main()
