"""Proxies in front of a server, which drop, stall, refuse or swallow an answer on demand: of TCP and of HTTP."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url


class Proxy:
    """Listens on loopback while the block runs. The proxy's threads are daemons; every fault is a method."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[_Pair] = []
        self._is_refusing = False
        self._swallow: bytes | None = None
        self._spared = 0
        self.port: int = self._listener.getsockname()[1]
        self.swallowed = threading.Event()

    @classmethod
    def before(cls, address: str) -> Proxy:
        url = make_url(address)
        return cls(url.host or "127.0.0.1", url.port or 5432)

    def address(self, address: str) -> str:
        """The same database through the proxy."""
        url = make_url(address).set(host="127.0.0.1", port=self.port)
        return url.render_as_string(hide_password=False)

    def drop(self) -> None:
        """Break every connection."""
        for pair in self._alive():
            pair.close()

    def stall(self) -> None:
        """Leave every present connection open and pass nothing on: half-open, as nobody is told."""
        for pair in self._alive():
            pair.is_stalled = True

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """Break every connection and accept none."""
        self._is_refusing = True
        self.drop()
        yield
        self._is_refusing = False

    def swallow_answer_to(self, request: bytes, *, after: int = 0) -> None:
        """Pass such a request on, and break its connection instead of passing the answer back.

        Args:
            after: So many of them get their answer before.
        """
        self.swallowed.clear()
        self._swallow, self._spared = request, after

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._listener.close()
        self.drop()

    def takes(self, request: bytes) -> bool:
        """Whether the answer to this request is the one to be swallowed; true once."""
        if self._swallow is None or self._swallow not in request:
            return False
        self._spared -= 1
        if self._spared >= 0:
            return False
        self._swallow = None
        return True

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._is_refusing:
                    raise ConnectionRefusedError
                pair = _Pair(self, client, socket.create_connection(self._target))
            except OSError:
                client.close()
                continue
            self._pairs.append(pair)
            pair.start()

    def _alive(self) -> list[_Pair]:
        return [pair for pair in self._pairs if not pair.is_closed]


class _Pair:
    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._is_mute = False
        self.is_stalled = self.is_closed = False

    def start(self) -> None:
        for pump in (self._to_server, self._to_client):
            threading.Thread(target=pump, daemon=True).start()

    def close(self) -> None:
        self.is_closed = True
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _to_server(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._client.recv(65_536):
                if self._proxy.takes(data):
                    self._is_mute = True
                if not self.is_stalled:
                    self._server.sendall(data)
        if not self.is_stalled:
            self.close()

    def _to_client(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._server.recv(65_536):
                if self._is_mute:  # the server has done it, and nobody hears
                    self.close()
                    self._proxy.swallowed.set()
                elif not self.is_stalled:
                    self._client.sendall(data)
        if not self.is_stalled:
            self.close()


class HttpProxy(ThreadingHTTPServer):
    """Forwards to an MLflow server, and does what `faults` says.

    Attributes:
        faults: End of a path → how often its answer is to be replaced by 503, after the server did its work.
        is_away: Closes every connection without an answer.
        calls: The paths of all requests that got through.
        authorizations: The Authorization headers that came.
    """

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.target = urlsplit(target).netloc
        self.faults: dict[str, int] = {}
        self.is_away = False
        self.calls: list[str] = []
        self.authorizations: set[str | None] = set()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> HttpProxy:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the test."""


class _Forward(BaseHTTPRequestHandler):
    server: HttpProxy

    def do_POST(self) -> None:
        if self.server.is_away:
            self._hang_up()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.authorizations.add(self.headers.get("Authorization"))
        connection = http.client.HTTPConnection(self.server.target, timeout=20)
        with contextlib.closing(connection):
            headers = {name: text for name, text in self.headers.items() if name != "Host"}
            try:
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                status, payload = answer.status, answer.read()
            except (OSError, http.client.HTTPException):  # the server itself is away
                self._hang_up()
                return
        path = urlsplit(self.path).path
        self.server.calls.append(path)
        for end in [end for end, left in self.server.faults.items() if path.endswith(end) and left]:
            self.server.faults[end] -= 1
            status, payload = 503, b"lost on the way back"
        self.send_response(status)
        self.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_PUT = do_PATCH = do_POST  # noqa: N815 - the names that http.server calls

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        pass
