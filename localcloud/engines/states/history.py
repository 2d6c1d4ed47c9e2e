"""The events of an execution: readable while it runs, and no more than AWS keeps."""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager

from localcloud.engines.patching import Method, patch, wrap

#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MOST_EVENTS = 25_000

#: https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
PAGE, MOST_A_PAGE = 100, 1000

DATA = ("input", "inputDetails", "output", "outputDetails")


class TooManyEvents(Exception):  # noqa: N818
    """An execution's history is full."""

    def __init__(self) -> None:
        super().__init__(
            f"The execution reached the maximum number of history events ({MOST_EVENTS})."
        )


def install() -> None:
    """Put these in moto's place."""
    wrap(EventManager, add_event=limited)
    patch(EventManager, get_event_history=_copied)


def tell(env: Any, kind: HistoryEventType, move: bool = True, **details: Any) -> None:
    """Write an event down.

    Parameters
    ----------
    env : Environment
    kind : HistoryEventType
    move : bool
        Whether the next event of this environment names this one before it.
    **details
        The event's details, under the name that its kind has for them.
    """
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=kind,
        event_details=details or None,
        update_source_event_id=move,
    )


def limited(add_event: Method) -> Method:
    """Keep the last place for how the execution ended."""

    def add(self: Any, context: Any, event_type: Any, *words: Any, **more: Any) -> Any:
        full = len(self._history_event_list) >= MOST_EVENTS - 1
        if full and not HistoryEventType(event_type).value.startswith("Execution"):
            raise TooManyEvents
        return add_event(self, context, event_type, *words, **more)

    return add


def _copied(self: Any) -> list[dict[str, Any]]:
    with self._mutex:  # no event changes once it is told
        return list(self._history_event_list)


def page(
    events: list[dict[str, Any]],
    most: int | None,
    token: str | None,
    newest_first: bool,
    with_data: bool,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of events, and the token of the next.

    Raises
    ------
    ValueError
        For a token that no page has.
    """
    if newest_first:
        # New events come before the page: the token is an event's number, not a place.
        before = int(token) if token else len(events) + 1
        left = [event for event in reversed(events) if event["id"] < before]
    else:
        left = events[int(token) if token else 0 :]
    size = min(most or PAGE, MOST_A_PAGE)
    found = left[:size]
    following = str(found[-1]["id"]) if len(left) > size else None
    return [event if with_data else _without_data(event) for event in found], following


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    return {
        key: {name: inner for name, inner in value.items() if name not in DATA}
        if isinstance(value, dict)
        else value
        for key, value in event.items()
    }
