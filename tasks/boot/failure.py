"""How a job fails: whose fault it was, in one line that the log ends with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

#: sysexits' EX_TEMPFAIL: the job definition's retry strategy tries such a job again.
TRY_AGAIN = 75


@dataclass
class Failure(Exception):  # noqa: N818  # it is the outcome's own name
    """A job that failed.

    Parameters
    ----------
    rank : int or None
        Whose fault it was; None where it was no one rank's.
    reason : str
        What happened, in one line.
    where : str or None
        ``tasks/mpi/x.py:41``, in the archive.
    """

    rank: int | None
    reason: str
    where: str | None = None
    code: int = 1

    def __str__(self) -> str:
        who = "" if self.rank is None else f"rank {self.rank}: "
        return f"headrace: {who}{self.reason}" + (f" ({self.where})" if self.where else "")

    def document(self) -> bytes:
        """``failed.json``."""
        told = asdict(self)
        return json.dumps({k: told[k] for k in ("rank", "reason", "where")}).encode()


class TryAgainError(Failure):
    """A job that another try may mend: exits with 75."""

    def __init__(self, reason: str) -> None:
        super().__init__(None, reason, code=TRY_AGAIN)
