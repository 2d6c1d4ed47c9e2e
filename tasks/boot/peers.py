"""Lines of JSON between the nodes of a job, each of which proves that it knows the job's id.

No key is stored anywhere: Batch tells the id to the job's own nodes. It is proved by HMAC over a
number that the other side has just made, so it is never sent, and what was overheard is of no
use a second time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import socket
import threading
from typing import Any

HANDSHAKE_S = 10


class StrangerError(ConnectionError):
    """Who is at the other end does not know the job's id, or has gone."""


class Peer:
    """One node at the other end of a socket."""

    def __init__(self, connection: socket.socket) -> None:
        # Small messages, each answered: Nagle's algorithm would hold them back.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection
        self.lines = connection.makefile("rb")
        self.sending = threading.Lock()

    def send(self, **what: Any) -> None:
        """Send one message.

        Raises
        ------
        OSError
            Where the other end has gone.
        """
        with self.sending:
            self.connection.sendall(json.dumps(what).encode() + b"\n")

    def receive(self) -> dict[str, Any] | None:
        """Wait for one message; None where the other end has gone."""
        try:
            line = self.lines.readline()
            told: dict[str, Any] | None = json.loads(line) if line.endswith(b"\n") else None
        except (OSError, ValueError):
            return None
        return told

    def close(self) -> None:
        """Hang up."""
        self.lines.close()
        self.connection.close()


def receive(connection: socket.socket, key: bytes) -> tuple[Peer, int]:
    """On the main node: prove ourselves to a node that calls; gives it and its number.

    Raises
    ------
    StrangerError
        Where it does not prove the job's id in time.
    """
    connection.settimeout(HANDSHAKE_S)
    peer, ours = Peer(connection), secrets.token_hex(16)
    peer.send(nonce=ours)
    told = _wanted(peer, "node", "nonce", "proof")
    if not hmac.compare_digest(_proof(key, "node", ours, told["node"]), str(told["proof"])):
        raise StrangerError("a caller does not know the job's id")
    peer.send(proof=_proof(key, "main", told["nonce"], told["node"]))
    connection.settimeout(None)
    return peer, int(told["node"])


def call(address: str, port: int, key: bytes, node: int) -> Peer:
    """On another node: call the main one, and have it prove itself.

    Raises
    ------
    OSError
        Where it does not answer yet, or does not prove the job's id (a StrangerError).
    """
    connection = socket.create_connection((address, port), HANDSHAKE_S)
    peer, ours = Peer(connection), secrets.token_hex(16)
    theirs = _wanted(peer, "nonce")["nonce"]
    peer.send(node=node, nonce=ours, proof=_proof(key, "node", theirs, node))
    told = _wanted(peer, "proof")
    if not hmac.compare_digest(_proof(key, "main", ours, node), str(told["proof"])):
        raise StrangerError(f"{address}:{port} does not know the job's id")
    connection.settimeout(None)
    return peer


def _wanted(peer: Peer, *names: str) -> dict[str, Any]:
    told = peer.receive()
    if not isinstance(told, dict) or not set(names) <= set(told):
        raise StrangerError("the other end hung up, or speaks another language")
    return told


def _proof(key: bytes, side: str, nonce: Any, node: Any) -> str:
    # With the side's name: what one proved can't be sent back as the other's proof.
    return hmac.new(key, f"{side} {nonce} {node}".encode(), hashlib.sha256).hexdigest()
