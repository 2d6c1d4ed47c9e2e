"""Executions that end when they are told to: every wait of theirs wakes up.

moto's environment announces an end for an instant only, so that who isn't waiting just then
never hears of it, and sleeps through its retries. Here an end, once told, stays told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import (
    ProgramEnded,
    ProgramError,
    ProgramRunning,
    ProgramState,
    ProgramStopped,
    ProgramTimedOut,
)

from localcloud.engines.patching import patch, wrap

Opened = Callable[..., Environment]


class Stopped(BaseException):
    """What runs is to end now; no state may catch it, hence no Exception."""


def pause(env: Environment, seconds: float) -> None:
    """Wait, unless the program ends.

    Raises
    ------
    Stopped
    """
    if env.program_state_event.wait(min(max(0.0, seconds), 1e9)):
        raise Stopped


def require_running(env: Environment) -> None:
    """Go on only where the program still runs.

    Raises
    ------
    Stopped
    """
    if not env.is_running():
        raise Stopped


def error_of(env: Environment) -> dict[str, Any] | None:
    """The error and cause that a program ended with."""
    state = env.program_state()
    return dict(state.error or {}) if isinstance(state, ProgramError) else None


def _end(env: Any, state: ProgramState) -> None:
    with env._state_mutex:
        if env._program_state is not None and not isinstance(env._program_state, ProgramRunning):
            return
        env._program_state = state
        frames = list(env._frames)
        env.program_state_event.set()
    for frame in frames:
        _end(frame, state)


def _knows_its_end(open_: Opened) -> Opened:
    def opened(self: Any, *words: Any, **more: Any) -> Environment:
        frame = open_(self, *words, **more)
        if not self.is_running():
            frame.program_state_event.set()
        return frame

    return opened


def install() -> None:
    """Put these in moto's place."""
    patch(
        Environment,
        program_state=lambda self: self._program_state,
        set_ended=lambda self: _end(self, ProgramEnded()),
        set_error=lambda self, error: _end(self, ProgramError(error=error)),
        set_timed_out=lambda self: _end(self, ProgramTimedOut()),
        set_stop=lambda self, stop_date, cause, error: _end(
            self, ProgramStopped(stop_date=stop_date, cause=cause, error=error)
        ),
    )
    wrap(Environment, open_frame=_knows_its_end, open_inner_frame=_knows_its_end)
