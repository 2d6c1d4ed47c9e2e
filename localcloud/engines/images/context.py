"""A build's context: the files that COPY may take, and where it puts them.

https://docs.docker.com/reference/dockerfile/#copy
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from docker.utils.build import PatternMatcher  # type: ignore[import-untyped]

from localcloud.engines.images.errors import ImageError
from localcloud.engines.images.media import inside


class Context:
    """The folder that ``docker build`` was given, less what ``.dockerignore`` names.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignore = folder / ".dockerignore"
        lines = ignore.read_text().splitlines() if ignore.is_file() else []
        patterns = [line.strip() for line in lines if line.strip() and line.strip()[0] != "#"]
        # Bytecode differs with every build and is made again anyhow.
        matcher = PatternMatcher([*patterns, "**/__pycache__"])
        self._paths = sorted(PurePosixPath(each) for each in matcher.walk(str(folder)))

    def files(self, top: PurePosixPath) -> Iterator[PurePosixPath]:
        """What is there at a path and below it, folders too, each after its parent."""
        for each in self._paths:
            if each == top or top in each.parents:
                yield each

    def sources(self, pattern: str, line: str) -> list[PurePosixPath]:
        """The paths that one source of a COPY means.

        Raises
        ------
        ImageError
            Where there is none.
        """
        parts = [part for part in PurePosixPath(pattern).parts if part not in ("/", ".")]
        if ".." in parts:
            raise ImageError(
                f"While building {line}, found {pattern}, which leaves the build's context. "
                "Copy from within it."
            )
        found = [PurePosixPath(".")]
        for part in parts:
            found = [each / name for each in found for name in self._names(each, part)]
        found = [each for each in found if any(True for _ in self.files(each))]
        if not found:
            raise ImageError(
                f"While building {line}, found no {pattern} in the context {self.folder}. "
                "Check the name, and .dockerignore."
            )
        return found

    def _names(self, folder: PurePosixPath, part: str) -> list[str]:
        path = self.folder / folder
        names = sorted(os.listdir(path)) if path.is_dir() else []
        return fnmatch.filter(names, part) if set(part) & set("*?[") else [part] * (part in names)

    def copy(self, words: Sequence[str], root: Path, workdir: str, line: str) -> None:
        """Do as a COPY says.

        Raises
        ------
        ImageError
            Where a source isn't there, or several go to what is no folder.
        """
        *patterns, to = words
        if not patterns:
            raise ImageError(f"While building {line}, found one word. Give source and destination.")
        found = [each for pattern in patterns for each in self.sources(pattern, line)]
        target = inside(root, to, workdir)
        folder = to.endswith("/") or to in (".", "..") or target.is_dir()
        if len(found) > 1 and not folder:
            raise ImageError(
                f"While building {line}, found {len(found)} sources for {to}. End it with /."
            )
        for source in found:
            self._put(source, target, folder)

    def _put(self, source: PurePosixPath, target: Path, folder: bool) -> None:
        if not (self.folder / source).is_dir():
            one = target / source.name if folder else target
            one.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.folder / source, one, follow_symlinks=False)
            return
        for each in self.files(source):  # a folder's contents, not itself
            path, goal = self.folder / each, target / each.relative_to(source)
            if path.is_dir() and not path.is_symlink():
                goal.mkdir(parents=True, exist_ok=True)
            else:
                goal.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, goal, follow_symlinks=False)

    def digest(self, words: Sequence[str], line: str) -> str:
        """SHA-256 of what a COPY's sources are: names, kinds, whether they run, contents."""
        total = hashlib.sha256()
        for source in (each for word in words[:-1] for each in self.sources(word, line)):
            for each in self.files(source):
                path = self.folder / each
                if path.is_symlink():
                    told = f"link {os.readlink(path)}"
                elif path.is_dir():
                    told = "folder"
                else:
                    runs = bool(path.stat().st_mode & 0o100)
                    told = f"{runs} {hashlib.sha256(path.read_bytes()).hexdigest()}"
                total.update(f"{each}\0{told}\n".encode())
        return total.hexdigest()
