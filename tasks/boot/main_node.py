"""The main node of a job of many: the others call it, and it hands each its part.

    node 0 (main)                          node 1
    listens on BOOT_PORT      ◀── call ──  AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS
    mpiexec -launcher manual
      HYDRA_LAUNCH: proxy 0   own process
      HYDRA_LAUNCH: proxy 1   ── run ──▶   the proxy, which calls mpiexec, and starts its ranks
                              ◀── told ──  what its ranks wrote
                              ◀── exit ──  the proxy's

No ssh and no key: mpiexec prints the commands that it would have others start
(https://github.com/pmodels/mpich/blob/main/doc/wiki/how_to/Using_the_Hydra_Process_Manager.md).
Variables: https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from . import blame, nodes, peers
from .failure import TryAgainError
from .interface import chosen
from .job import Job

COME_S = 600.0  # that nodes are waited for: an EC2 instance takes minutes to start
ANSWER_S = 10.0


@contextmanager
def gather(job: Job) -> Iterator[nodes.Nodes]:
    """Have all of the job's nodes, or the one.

    Raises
    ------
    TryAgainError
        Where one does not come.
    """
    if nodes.index() is None:
        yield nodes.Nodes()
        return
    others = Others(job, nodes.count())
    try:
        others.wait(nodes.port())
        yield others
    finally:
        others.end()
        others.close()


class Others(nodes.Nodes):
    """Other nodes, each at the end of a socket."""

    def __init__(self, job: Job, count: int) -> None:
        self.job, self.count, self.main = job, count, nodes.main_index()
        self.nodes: dict[int, Node] = {}
        self.proxies: list[str] = []
        self.here: subprocess.Popen[bytes] | None = None

    def wait(self, port: int) -> None:
        """Wait until all have called.

        Raises
        ------
        TryAgainError
            Where one does not come.
        """
        until = time.monotonic() + min(COME_S, self.job.left_s)
        with socket.create_server((nodes.own_address(), port)) as server:
            while len(self.nodes) < self.count - 1:
                server.settimeout(max(0.01, until - time.monotonic()))
                try:
                    peer, number = peers.receive(server.accept()[0], nodes.key())
                except TimeoutError:
                    self._give_up(until)
                except OSError as error:  # a stranger; who belongs to us calls again
                    print(f"headrace: a caller was turned away: {error}", flush=True)
                else:
                    self.nodes[number] = Node(peer)

    def _give_up(self, until: float) -> None:
        if time.monotonic() < until:
            return
        missing = sorted(set(range(self.count)) - set(self.nodes) - {self.main})
        raise TryAgainError(
            f"While waiting for {self.count} nodes, found that {', '.join(map(str, missing))} did "
            f"not call within {min(COME_S, self.job.timeout_s):g} s. Look at their logs."
        )

    @property
    def seen(self) -> str:
        """Our address as others see it, which Batch does not tell the main node."""
        for node in self.nodes.values():
            return str(node.peer.connection.getsockname()[0])
        return "127.0.0.1"

    def words(self) -> list[str]:
        """Hosts by number, each with its share of the ranks, and our address as they see it."""
        each, more = divmod(self.job.ranks or 1, self.count)
        shares = [each + (n < more) for n in range(self.count)]
        hosts = ",".join(f"node{n}:{share}" for n, share in enumerate(shares) if share)
        # Each node's ranks have the environment of their own proxy: another node's credentials
        # would not do.
        return ["-launcher", "manual", "-genvnone", "-localhost", self.seen, "-hosts", hosts]

    def launch(self, line: str) -> None:
        """Start a proxy here, or have its node start it: they come in the order of hosts."""
        if line.startswith("HYDRA_LAUNCH: "):
            self.proxies.append(line.removeprefix("HYDRA_LAUNCH: ").strip())
            return
        for number, proxy in enumerate(self.proxies):
            if number == self.main:
                self.here = subprocess.Popen(
                    shlex.split(proxy), env=self.job.environment() | chosen(self.seen)
                )
            else:
                self.nodes[number].peer.send(run=proxy)

    def told(self, wait: bool = False) -> dict[int, blame.Told]:
        """Ask all, or wait for their last words."""
        told: dict[int, blame.Told] = {}
        until = time.monotonic() + (ANSWER_S if wait else 1.0)
        for number, node in self.nodes.items():
            found = node.last(until) if wait else node.ask(until)
            if found is None and wait:
                raise TryAgainError(
                    f"While ending, found that node {number} had gone. See its log."
                )
            told |= found or {}
        return told

    def end(self) -> None:
        """Tell all to end."""
        for node in self.nodes.values():
            with suppress(OSError):
                node.peer.send(end=True)

    def close(self) -> None:
        """Hang up."""
        for node in self.nodes.values():
            node.peer.close()


class Node(threading.Thread):
    """What one other node says."""

    def __init__(self, peer: peers.Peer) -> None:
        super().__init__(daemon=True)
        self.peer = peer
        self.heard: dict[int, blame.Told] = {}
        self.answered, self.ended, self.gone = threading.Event(), False, threading.Event()
        self.start()

    def run(self) -> None:
        """Listen until it hangs up."""
        while message := self.peer.receive():
            self.heard = {int(n): blame.Told(**told) for n, told in message["told"].items()}
            self.ended = "exit" in message
            self.answered.set()
        self.gone.set()

    def ask(self, until: float) -> dict[int, blame.Told]:
        """What its ranks told so far."""
        self.answered.clear()
        with suppress(OSError):
            self.peer.send(tell=True)
            self.answered.wait(max(0.0, until - time.monotonic()))
        return self.heard

    def last(self, until: float) -> dict[int, blame.Told] | None:
        """What its ranks told in the end; None where it went without a word."""
        self.gone.wait(max(0.0, until - time.monotonic()))
        return self.heard if self.ended else None
