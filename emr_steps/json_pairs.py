"""Lines of JSON pairs, byte for byte as mrjob's protocols write them, for less.

mrjob encodes key and value of each pair through its JSON library; most keys are strings seen
before, most values integers, and both are quicker told apart than sent there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mrjob import protocol

#: Encoded keys that are kept at most; then they are forgotten.
KEYS = 100_000


class CompactJSONProtocol(protocol.StandardJSONProtocol):  # type: ignore[misc]  # it has no types
    r"""JSON without spaces and without ``\uXXXX``: Cyrillic takes a third of the bytes.

    Between steps only: a stage's output stays mrjob's own JSON.
    """

    def _dumps(self, value: Any) -> bytes:
        return COMPACT.dumps(value).encode("utf_8", COMPACT.errors)

    def _loads(self, value: bytes) -> Any:
        return COMPACT.loads(value)


class Codec:
    """How one protocol writes and reads keys and values.

    Parameters
    ----------
    dumps : callable
        A value as JSON.
    parse : callable
        JSON as a value.
    errors : str
        What is done with surrogates that stand alone, as :meth:`bytes.decode` names it.
    """

    def __init__(
        self, dumps: Callable[[Any], str], parse: Callable[[str], Any], errors: str = "strict"
    ) -> None:
        self.dumps, self.parse, self.errors = dumps, parse, errors
        self._keys: dict[str, str] = {}

    def key(self, key: Any) -> str:
        """A key as JSON; strings are encoded once."""
        if type(key) is not str:
            return self.dumps(key)
        found = self._keys.get(key)
        if found is None:
            if len(self._keys) >= KEYS:
                self._keys.clear()
            found = self._keys[key] = self.dumps(key)
        return found

    def line(self, key: Any, value: Any) -> bytes:
        """A pair as a line, with its end."""
        # bool is no exact int, so True stays true.
        told = str(value) if type(value) is int else self.dumps(value)
        return f"{self.key(key)}\t{told}\n".encode("utf_8", self.errors)

    def loads(self, value: bytes) -> Any:
        """Decode one key or value."""
        # A number with leading zeros is no JSON: the parser says so.
        if value.isdigit() and (value[0] != 0x30 or len(value) == 1):
            return int(value)
        return self.parse(value.decode("utf_8", self.errors))

    def pairs(self, lines: Iterable[bytes]) -> Iterator[tuple[Any, bytes]]:
        """Give each line's key, decoded once for lines that follow one another, and raw value.

        Raises
        ------
        ValueError
            For a line without a tab, as mrjob's protocols do.
        """
        last, key = None, None
        for line in lines:
            found, value = line.rstrip(b"\r\n").split(b"\t", 1)
            if found != last:
                last, key = found, self.loads(found)
            yield key, value


COMPACT = Codec(
    json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode, json.loads, "surrogatepass"
)
CODECS = {
    protocol.StandardJSONProtocol: Codec(json.dumps, json.loads),
    CompactJSONProtocol: COMPACT,
}
# mrjob takes the quicker library where one is there; nodes have none.
if protocol.simplejson:
    CODECS[protocol.SimpleJSONProtocol] = Codec(
        protocol.simplejson.dumps, protocol.simplejson.loads
    )


def codec_of(method: Callable[..., Any]) -> Codec | None:
    """The codec that does what a protocol's bound `read` or `write` does; None for others."""
    return CODECS.get(type(getattr(method, "__self__", None)))
