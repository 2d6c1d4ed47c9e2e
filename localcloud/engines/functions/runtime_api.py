"""Lambda's Runtime API for one execution environment: what its runtime client talks to.

One listener an environment, since a runtime names itself by nothing but the address it calls.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import http.server
import queue
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PREFIX = "/2018-06-01/runtime"


@dataclass(frozen=True)
class Invocation:
    """One event on its way to a handler."""

    request_id: str
    payload: bytes
    function_arn: str
    trace_id: str
    client_context: str = ""
    deadline_ms: int = 0

    def headers(self) -> dict[str, str]:
        """Headers of the answer to `next`.

        awslambdaric 4.2.2 crashes where one of these is missing, even an empty one.
        """
        return {
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
            "Lambda-Runtime-Trace-Id": self.trace_id,
            "Lambda-Runtime-Client-Context": self.client_context,
            "Lambda-Runtime-Cognito-Identity": "",
            "Content-Type": "application/json",
            "Content-Length": str(len(self.payload)),
        }


class RuntimeApi:
    """Listens for one runtime.

    Parameters
    ----------
    on_ready : callable
        Called each time the runtime asks for its next event.
    on_answer : callable
        Called with ``"response"``, ``"error"`` or ``"init"``, and the body.
    """

    def __init__(
        self, on_ready: Callable[[], None], on_answer: Callable[[str, bytes], None]
    ) -> None:
        self.on_ready, self.on_answer = on_ready, on_answer
        self._next: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._closed = False
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, name="runtime-api", daemon=True).start()

    def send(self, invocation: Invocation) -> None:
        """Give the runtime its next event."""
        self._next.put(invocation)

    def take(self) -> Invocation | None:
        """Wait for the next event; None once closed."""
        return self._next.get()

    def close(self) -> None:
        """Stop listening and let a waiting runtime go."""
        if self._closed:
            return
        self._closed = True
        self._next.put(None)
        # A blocked accept() ends by a connection on every system, by close() only on some.
        with self._socket:
            socket.create_connection(self._socket.getsockname()).close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection, address = self._socket.accept()
            except OSError:
                return
            if not self._closed:
                serve = threading.Thread(target=self._serve, args=(connection, address))
                serve.daemon = True
                serve.start()

    def _serve(self, connection: socket.socket, address: Any) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                _Handler(connection, address, self)  # type: ignore[arg-type]
            except ConnectionError:
                return  # the process ended; its environment sees that


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: RuntimeApi  # type: ignore[assignment]

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer `next`."""
        if self.path != f"{PREFIX}/invocation/next":
            return self._answer(404)
        self.server.on_ready()
        invocation = self.server.take()
        if invocation is None:
            self.close_connection = True
            return None
        self.send_response(200)
        for name, value in invocation.headers().items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(invocation.payload)
        self.wfile.flush()
        return None

    def do_POST(self) -> None:
        """Take a response, an error, or an error of the init phase."""
        body = self._body()
        *_, before, kind = self.path.split("/")
        # Before the answer: a runtime that reports an error of its init phase ends after it.
        self.server.on_answer("init" if before == "init" else kind, body)
        self._answer(202)

    def _answer(self, code: int) -> None:
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.wfile.flush()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)
