"""What stops a Map stage, or one call of it."""

from __future__ import annotations


class DoesNotFit(ValueError):  # noqa: N818 - the name that the run shows
    """The stage is more than its function may have: of time, memory or payload."""


class EveryProbeFailed(ValueError):  # noqa: N818
    """All items that were tried failed alike."""


class OutOfTime(RuntimeError):  # noqa: N818
    """A call stopped before Lambda would have ended it; its next try goes on from there."""
