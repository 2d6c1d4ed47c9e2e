"""An image's name: ``HOST/REPOSITORY:TAG`` or ``HOST/REPOSITORY@sha256:…``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from localcloud.engines.images.errors import ImageError

DEFAULT_TAG = "latest"
NAME = re.compile(
    r"^(?:(?P<host>localhost(?::\d+)?|[\w-]+(?:\.[\w-]+)+(?::\d+)?|[\w-]+:\d+)/)?"
    r"(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
)
#: https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
ECR = re.compile(r"^(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com$")


@dataclass(frozen=True)
class Name:
    """An image's name, in its parts; what isn't there is empty.

    Parameters
    ----------
    host : str
        The registry.
    repository, tag, digest : str
    """

    host: str
    repository: str
    tag: str
    digest: str

    @classmethod
    def of(cls, text: str) -> Name:
        """Read a name; without a tag and a digest the tag is ``latest``.

        Raises
        ------
        ImageError
        """
        if not (found := NAME.match(text)):
            raise ImageError(
                f"While reading an image's name, found {text!r}. "
                "Write HOST/REPOSITORY:TAG, in lower case but for the tag."
            )
        parts = {key: value or "" for key, value in found.groupdict().items()}
        if not parts["tag"] and not parts["digest"]:
            parts["tag"] = DEFAULT_TAG
        return cls(**parts)

    def __str__(self) -> str:
        host = f"{self.host}/" if self.host else ""
        tag = f":{self.tag}" if self.tag else ""
        return f"{host}{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")
