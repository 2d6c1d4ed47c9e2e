"""What can go wrong with an image."""

from __future__ import annotations


class ImageError(Exception):
    """An image can't be built, pushed or opened; the text is three short sentences."""


class UnableError(ImageError):
    """A Dockerfile says something that a process image can't honour."""

    @classmethod
    def of(cls, where: str, found: str, do: str) -> UnableError:
        """Say it: where, what was found, what to do instead."""
        told = found if len(found) <= 200 else f"{found[:197]}..."
        return cls(f"While reading {where}, found {told}, which a process image can't honour. {do}")
