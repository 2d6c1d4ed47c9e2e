"""The one base of the tool's own errors: three short sentences that a reader can act on."""

from __future__ import annotations


class HeadraceError(RuntimeError):
    """While doing something, something was found; the message says what to do."""

    def __init__(self, doing: str, found: str, do: str) -> None:
        found = found.rstrip().rstrip(".")
        # What another program said in lines of its own stays so.
        after = "\n" if "\n" in found else ". "
        super().__init__(f"While {doing}, found {found}{after}{do}")
