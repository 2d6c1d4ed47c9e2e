"""What can go wrong while a stack is put in place."""

from __future__ import annotations

from moto.core.exceptions import ServiceException

REMEDY = "Remove it, or deploy to AWS."


class ApiError(ServiceException):
    """The CloudFormation API refuses a request: an answer of 4xx.

    Parameters
    ----------
    message : str
        What is wrong.
    code : str
        The API's error code; 400 unless the API's model says otherwise.
    """

    def __init__(self, message: str, code: str = "ValidationError") -> None:
        super().__init__(code, message)


class Refused(Exception):  # noqa: N818  a refusal, by name
    """The local cloud can't honour something that a template says."""

    @classmethod
    def of(cls, what: str) -> Refused:
        """Refuse a type, property or function by its name."""
        return cls(f"{what} can't be honoured by the local cloud. {REMEDY}")


class NotKept(Exception):  # noqa: N818  the service did not keep what it was told
    """A service gives back something else than the template says."""


class DeployError(Exception):
    """A step of a deployment fails for a reason that AWS has too."""


class HalfMadeError(DeployError):
    """A resource could not be made, but has an id that its deletion must name.

    Parameters
    ----------
    reason : str
        Why it failed.
    made : str
        The physical id.
    """

    def __init__(self, reason: str, made: str) -> None:
        super().__init__(reason)
        self.made = made
