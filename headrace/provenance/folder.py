"""The folder that becomes a package: what was put in, and what each file is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from headrace.provenance import archive

#: Media types; not those of the machine's own table, which differs from one to the next.
_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".sql": "application/sql",
    ".md": "text/markdown",
    ".cff": "application/yaml",
    ".py": "text/x-python",
    ".csv": "text/csv",
    ".json": "application/json",
    ".ipynb": "application/x-ipynb+json",
    ".txt": "text/plain",
    ".in": "text/plain",
    ".html": "text/html",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class PackedFile:
    """A file of the package: its path, size in bytes, SHA-256, media type and what it is."""

    path: str
    bytes: int
    sha256: str
    media_type: str
    description: str


@dataclass
class Folder:
    """What has been put into the package so far."""

    path: Path
    described: dict[str, str] = field(default_factory=dict)
    sql: dict[str, str] = field(default_factory=dict)
    results: dict[str, list[str]] = field(default_factory=dict)
    inputs: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def write(self, name: str, content: str | bytes, what: str) -> str:
        """Put a file in."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.described[name] = what
        return name

    def packed(self) -> list[PackedFile]:
        """What is in it, sorted by path."""
        return [
            PackedFile(
                name,
                (self.path / name).stat().st_size,
                archive.sha256(self.path / name),
                media_type(name),
                what,
            )
            for name, what in sorted(self.described.items())
        ]


def media_type(name: str) -> str:
    """The media type of a file, by its suffix."""
    return _TYPES.get(Path(name).suffix, "application/octet-stream")
