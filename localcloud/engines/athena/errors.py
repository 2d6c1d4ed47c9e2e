"""Why a query fails, in Athena's own words: an error's name, a colon, and what was wrong."""

from __future__ import annotations


class AthenaError(Exception):
    """A query can't be answered as Athena would answer it.

    Parameters
    ----------
    name : str
        Trino's error name, such as ``COLUMN_NOT_FOUND``; what StateChangeReason begins with.
    message : str
        The rest of the reason.
    """

    def __init__(self, name: str, message: str):
        super().__init__(f"{name}: {message}")
        self.name = name


def not_supported(what: str) -> AthenaError:
    """An error for what Athena may do and the local cloud does not."""
    return AthenaError("NOT_SUPPORTED", f"{what} is not supported by the local cloud's Athena")


class Cancelled(Exception):  # noqa: N818 (a state of Athena's)
    """A query that ended as CANCELLED, with its reason or none."""
