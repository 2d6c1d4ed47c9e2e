"""Any other node of a job of many: it calls the main one, and runs the part that it is given."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from dataclasses import asdict
from typing import Any

from . import blame, clean, nodes, peers
from .failure import TRY_AGAIN, TryAgainError
from .interface import chosen
from .job import Job
from .main_node import COME_S

AGAIN_S = 1.0
END_S = 5.0  # that a proxy is given to end by itself


def serve(job: Job) -> int:
    """Run this node's proxy, and tell the main node of its ranks; gives the proxy's exit code.

    Raises
    ------
    TryAgainError
        Where the main node can't be reached.
    """
    peer = _called(job)
    proxy: subprocess.Popen[bytes] | None = None
    ended = False
    try:
        while not ended and (message := peer.receive()):
            if "run" in message:
                ours = peer.connection.getsockname()[0]
                environment = job.environment() | chosen(ours)
                proxy = subprocess.Popen(shlex.split(message["run"]), env=environment)
            elif "tell" in message:
                peer.send(told=_told(job))
            ended = "end" in message
    finally:
        clean.look(job.notes)
        code = _stop(proxy)
        clean.processes()
        clean.shared_memory(job.notes)
    if not ended:
        print("headrace: the main node went without a word", flush=True)
        return TRY_AGAIN
    peer.send(told=_told(job), exit=code)
    peer.close()
    return code


def _called(job: Job) -> peers.Peer:
    address = os.environ["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"]
    until = time.monotonic() + min(COME_S, job.left_s)
    while True:
        try:
            return peers.call(address, nodes.port(), nodes.key(), nodes.index() or 0)
        except OSError as error:
            if time.monotonic() > until:
                raise TryAgainError(
                    f"While calling the main node at {address}:{nodes.port()}, found {error}. "
                    "Look at its log, and at the security group."
                ) from error
            time.sleep(AGAIN_S)


def _told(job: Job) -> dict[int, dict[str, Any]]:
    clean.look(job.notes)
    return {rank: asdict(one) for rank, one in blame.read(job.notes, job.root).items()}


def _stop(proxy: subprocess.Popen[bytes] | None) -> int:
    if proxy is None:
        return 0
    try:
        code = proxy.wait(END_S)
    except subprocess.TimeoutExpired:
        proxy.kill()
        code = proxy.wait()
    return code if code >= 0 else 128 - code
