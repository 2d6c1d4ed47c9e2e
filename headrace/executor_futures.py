"""Futures that say which item failed.

A function's exception comes back with the traceback that it had in the worker, and with a note
that names the item; so do a timeout and a worker that was killed, where no function could say.
"""

from __future__ import annotations

from typing import Any

from lithops.future import ResponseFuture, _pickle_from_encoded

SHOWN = 300


class GivenUpError(RuntimeError):
    """The item's job was stopped before the item was done, or before its result was fetched."""


class ItemFuture(ResponseFuture):  # type: ignore[misc]
    """A future of lithops that knows its item.

    It is never made but of one: see :func:`name_items`.
    """

    item: tuple[int, Any]

    @property
    def _named(self) -> str:
        number, item = self.item
        if isinstance(item, tuple) and len(item) == 1:  # lithops' way to pass one dict whole
            (item,) = item
        text = repr(item)
        return f"item {number}: {text if len(text) <= SHOWN else text[:SHOWN] + '…'}"

    def _raise_call_exception(self, throw_except: bool) -> Any:
        try:
            return super()._raise_call_exception(throw_except)
        except BaseException as error:
            error.add_note(self._named)
            kind = self._call_status.get("exc_pickle_fail") and self._kind()
            if kind:  # as a class that the notebook itself defines: lithops keeps its words only
                error.add_note(f"raised as {kind}, which can't be pickled")
            raise

    def _kind(self) -> str:
        return str(_pickle_from_encoded(self._call_status["exc_info"])["exc_type"])

    def result(self, throw_except: bool = True, *words: Any, **more: Any) -> Any:
        """Give the result as lithops does, and an error where the item was given up."""
        given = super().result(throw_except, *words, **more)
        if throw_except and self._state == self.State.Unknown:
            raise GivenUpError(
                f"While reading {self._named}, found that its job was stopped when another item "
                "failed. Use get_result(throw_except=False) to have what didn't fail."
            )
        return given

    def __reduce__(self) -> tuple[Any, ...]:
        # A reduce function's worker gets futures, and on AWS it has no headrace: a plain one.
        state = {k: v for k, v in self.__dict__.items() if k != "item"}
        return object.__new__, (ResponseFuture,), state


def name_items(futures: list[Any], items: list[Any]) -> None:
    """Let each of lithops' futures know its item.

    Parameters
    ----------
    futures : list of ResponseFuture
        Of one job, in order.
    items : list
        As many; where lithops split objects into parts there are more futures, and they stay
        unnamed.
    """
    if len(futures) == len(items):
        for number, (future, item) in enumerate(zip(futures, items, strict=True)):
            future.__class__ = ItemFuture
            future.item = (number, item)
