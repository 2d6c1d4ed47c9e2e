"""Time zones by name."""

from __future__ import annotations

import re

import pytz

from localcloud.engines.athena.errors import AthenaError, not_supported


def time_zone(name: str, at: str) -> str:
    """A region's name as the time zone database has it.

    Parameters
    ----------
    name : str
        As ``America/New_York``; an offset as ``+02:00`` is refused.
    at : str
        Where it stands, for errors.

    Raises
    ------
    AthenaError
    """
    if re.fullmatch(r"[+-]\d\d:?\d\d", name):
        raise not_supported(f"{at}time zone {name}, an offset,")
    try:
        return str(pytz.timezone(name).zone)
    except pytz.UnknownTimeZoneError as e:
        raise AthenaError("INVALID_ARGUMENTS", f"{at}'{name}' is not a valid time zone") from e
