"""HTTP/1.1 for a WSGI application: kept connections, no Nagle, `100 Continue`, chunks.

werkzeug's own server parses requests well but closes every connection and waits 10 ms after
each answer; this takes its parsing and replaces the exchange.
"""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Iterable
from http.server import ThreadingHTTPServer
from typing import Any, cast

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import DechunkedInput

from localcloud.cloud import Application

DRAIN_BYTES = 64 << 20  # an unread body up to this size is read away to keep the connection
BLOCK_BYTES = 1 << 20


class Body(io.RawIOBase):
    """A request's body: ends where it ends, and asks a waiting client for it when read."""

    def __init__(self, handler: Handler, length: int | None) -> None:
        self.left = length  # None: chunked
        self.waited_for = handler.headers.get("Expect", "").lower().strip() == "100-continue"
        self._handler = handler
        self._chunks = DechunkedInput(cast(Any, handler.rfile)) if length is None else None
        self._over = length == 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into `buffer`; 0 at the end."""
        if self._over:
            return 0
        if self.waited_for:
            self.waited_for = False
            self._handler.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        got = self._read_chunk(buffer) if self._chunks else self._read_length(buffer)
        self._over = got == 0
        return got

    def _read_chunk(self, buffer: Any) -> int:
        assert self._chunks is not None  # noqa: S101
        part = bytearray(len(buffer))
        got = self._chunks.readinto(part)
        buffer[:got] = part[:got]
        return got

    def _read_length(self, buffer: Any) -> int:
        assert self.left is not None  # noqa: S101
        want = min(len(buffer), self.left)
        got: int = self._handler.rfile.readinto(memoryview(buffer)[:want])
        if want and not got:
            raise ConnectionError("the client went away in the middle of a request's body")
        self.left -= got
        return got

    def drain(self) -> bool:
        """Read what the application left; say whether the connection can be kept."""
        if self.waited_for and not self._over:
            return False
        scratch, read = bytearray(BLOCK_BYTES), 0
        while read < DRAIN_BYTES:
            got = self.readinto(scratch)
            if not got:
                return True
            read += got
        return False


class Handler(MotoRequestHandler):
    """One connection; moto's handler keeps header names that hold underscores."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = 1 << 16
    wbufsize = 1 << 16
    server: Server  # type: ignore[assignment]

    def handle_expect_100(self) -> bool:
        """Leave the answer to the first read of the body."""
        return True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def run_wsgi(self) -> None:
        """Answer one request."""
        environ = self.make_environ()
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        body = Body(self, None if chunked else int(self.headers.get("Content-Length") or 0))
        environ["wsgi.input"] = io.BufferedReader(body, 1 << 16)
        environ["wsgi.input_terminated"] = True
        try:
            self._answer(environ, body)
        except ConnectionError:
            self.close_connection = True
        except Exception:
            traceback.print_exc(file=sys.stderr)
            self.close_connection = True

    def _answer(self, environ: dict[str, Any], body: Body) -> None:
        given: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            given[:] = [status, headers]

        parts = self.server.application(environ, start)
        try:
            stream = iter(parts)
            first = next(stream, b"")
            if not body.drain():
                self.close_connection = True
            status, headers = given
            only = isinstance(parts, list | tuple) and len(parts) < 2
            chunked = self._head(status, headers, len(first) if only else None)
            self._send(first, stream, chunked)
        finally:
            if hasattr(parts, "close"):
                parts.close()

    def _head(self, status: str, headers: list[tuple[str, str]], length: int | None) -> bool:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            self.send_header(name, value)
        bare = self.command == "HEAD" or int(code) in (204, 304) or int(code) < 200
        chunked = not bare and "content-length" not in names and length is None
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif not bare and "content-length" not in names:
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        return chunked

    def _send(self, first: bytes, rest: Iterable[bytes], chunked: bool) -> None:
        if self.command != "HEAD":
            for part in (first, *()) if first else ():
                self._write(part, chunked)
            for part in rest:
                self._write(part, chunked)
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _write(self, part: bytes, chunked: bool) -> None:
        if part:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)


class Server(ThreadingHTTPServer):
    """A thread per connection; none keeps the process alive."""

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True
    multithread, multiprocess, ssl_context, passthrough_errors = True, False, None, False
    _server_version = "localcloud"

    def __init__(self, application: Application, port: int) -> None:
        self.application = application
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away; print the rest."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            traceback.print_exc(file=sys.stderr)


def serve_http(application: Application, port: int) -> Server:
    """Listen on loopback; the caller calls `serve_forever`."""
    return Server(application, port)
