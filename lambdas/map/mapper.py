"""What both steps of a Map stage share: the stage, the lake, the child, and this call's time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from headrace.lake import get_json
from lambdas.map.items import ItemsFile
from lambdas.map.supervisor import Supervisor

#: Seconds that a call keeps for writing what it has.
RESERVE_S = 5.0
#: Somebody else wrote the object before, or is just writing it.
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")


@dataclass
class Mapper:
    """All that outlives one call.

    Parameters
    ----------
    s3 : S3 client
    bucket : str
        The lake's.
    stage : dict
        From the deployed plan.
    seed : int
        The study's.
    code : callable
        Gives the hash of the function's code.
    """

    s3: Any
    bucket: str
    stage: dict[str, Any]
    seed: int
    code: Callable[[], str]
    supervisor: Supervisor = field(init=False)
    _held: tuple[str, ItemsFile, dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.stage, self.seed)

    @property
    def name(self) -> str:
        """The stage's."""
        return str(self.stage["name"])

    def deadline(self, left_s: float) -> float:
        """When the last item of this call must be done, by :func:`time.monotonic`."""
        return time.monotonic() + left_s - min(RESERVE_S, left_s / 4)

    def put(self, key: str, body: bytes) -> None:
        """Write an object of the lake."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def put_unless(self, key: str, body: bytes, etag: str | None = None) -> str | None:
        """Write an object unless another call wrote it.

        Parameters
        ----------
        etag : str, optional
            Of the object that may be replaced; there must be none where absent.

        Returns
        -------
        str or None
            The new object's ETag; None where another call's is there.
        """
        told = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            answer = self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **told)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _TAKEN:
                raise
            return None
        return str(answer["ETag"])

    def items(self, prefix: str) -> tuple[ItemsFile, dict[str, Any]]:
        """A try's items and the probe's facts, kept for the next call of the same try.

        Raises
        ------
        FileNotFoundError
            Where the probe wrote none.
        """
        if self._held is None or self._held[0] != prefix:
            facts = get_json(self.s3, self.bucket, f"{prefix}facts.json")
            if facts is None:
                raise FileNotFoundError(
                    f"While mapping stage {self.name}, found no {prefix}facts.json. "
                    "Probe the stage first."
                )
            file = ItemsFile(self.s3, self.bucket, f"{prefix}items.parquet")
            self._held = (prefix, file, facts)
        return self._held[1], self._held[2]
