"""The images that one `docker` has: what it built, by name and by id."""

from __future__ import annotations

import json
from pathlib import Path

from localcloud.engines.images.blobs import Blobs
from localcloud.engines.images.build import Image
from localcloud.engines.images.errors import ImageError
from localcloud.engines.images.names import Name


class Store:
    """A folder of images, as Docker's own store; each build of CodeBuild has one of its own.

    Parameters
    ----------
    folder : Path
        Made with the first image.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.blobs = Blobs(folder / "blobs")

    def put(self, image: Image, names: list[Name]) -> None:
        """Keep an image under names."""
        for data in image.blobs.values():
            self.blobs.put(data)
        self._remember(self.blobs.put(image.manifest), [image.id, *map(str, names)])

    def tag(self, source: str, name: Name) -> None:
        """Give an image another name.

        Raises
        ------
        ImageError
        """
        self._remember(self._manifests()[self._key(source)], [str(name)])

    def manifest(self, source: str) -> bytes:
        """Give the manifest of an image.

        Raises
        ------
        ImageError
            Where there is none of that name.
        """
        return self.blobs.get(self._manifests()[self._key(source)])

    def _key(self, source: str) -> str:
        known = self._manifests()
        ids = [key for key in known if key.removeprefix("sha256:").startswith(source)]
        if source in known:
            return source
        if len(source) >= 12 and len(ids) == 1:
            return ids[0]
        if (name := str(Name.of(source))) in known:
            return name
        raise ImageError(
            f"While looking for the image {source}, found none of that name here. "
            "Build it first, with -t."
        )

    def _manifests(self) -> dict[str, str]:
        path = self._folder / "names.json"
        found: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
        return found

    def _remember(self, manifest: str, keys: list[str]) -> None:
        known = self._manifests() | dict.fromkeys(keys, manifest)
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / "names.part"
        part.write_text(json.dumps(known))
        part.rename(self._folder / "names.json")
