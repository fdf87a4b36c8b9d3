"""A TCP proxy in front of a server, which drops, stalls, refuses or swallows an answer on demand."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from types import TracebackType

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
