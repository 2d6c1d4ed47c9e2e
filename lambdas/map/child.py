"""The child process that a study's function runs in; run as a script, isolated.

It is told what to call, then items; it answers each item as soon as it is done, so that the
one that was running when it died or hung is known: the first without an answer. ::

    child.py IN OUT LIFE      three inherited pipes; LIFE is never written, its end is the parent's

No package is imported here but what the study's module brings.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from typing import Any

#: Tracebacks that are printed whole; a batch in which all fails would flood the log.
_TRACEBACKS = 10


def _end_with_parent(life: int) -> None:
    """End when the parent does, however it ended."""

    def wait() -> None:
        while os.read(life, 1):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
    if sys.platform.startswith("linux"):  # also where a C function never lets a thread run
        import ctypes

        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL


def _limit(data_bytes: int) -> None:
    """Back the parent's watch up: what asks for far too much at once gets a MemoryError."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard == resource.RLIM_INFINITY or data_bytes < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, hard))


def main() -> None:
    """Serve until the parent closes its end."""
    given, answers, life = (int(word) for word in sys.argv[1:])
    for pipe in (given, answers, life):  # not for what the function starts
        os.set_inheritable(pipe, False)
    _end_with_parent(life)
    # Before the path is set only the standard library is there, and frames needs no more.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from lambdas.map import frames

    told = frames.receive(given)
    sys.path[:] = told["path"]
    _limit(told["data_bytes"])
    began = time.perf_counter()
    from lambdas.map.call import Call, Failure, last_line, whole

    try:
        call = Call(told["fn"], told["columns"], told["params"], told["seed"])
    except BaseException as error:  # SystemExit too: the parent must hear of it
        print(f"stage {told['stage']}, importing {told['fn']}:\n{whole(error)}", file=sys.stderr)
        frames.send(answers, ("broken", last_line(error)))
        return
    frames.send(answers, ("ready", time.perf_counter() - began))
    printed = 0
    while True:
        try:
            items: list[tuple[int, dict[str, Any]]] = frames.receive(given)
        except EOFError:
            return
        for number, item in items:
            began = time.perf_counter()
            try:
                answer = call.on(number, item)
            except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
                answer = call.failure(error)
            seconds = time.perf_counter() - began
            if isinstance(answer, Failure):
                shown = answer.traceback if printed < _TRACEBACKS else answer.reason
                printed += 1
                print(f"stage {told['stage']}, item {number} failed:\n{shown}", file=sys.stderr)
            frames.send(answers, (number, answer, seconds))


if __name__ == "__main__":
    main()
