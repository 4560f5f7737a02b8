"""The server: this machine's own address and no other, a token in it, a few connections at once."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import ThreadingHTTPServer
from secrets import token_urlsafe
from socketserver import TCPServer
from threading import Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any

from gradbook import system
from gradbook.errors import UsageError
from gradbook.interruption import uninterrupted
from gradbook.serve.handler import PageHandler

if TYPE_CHECKING:
    from gradbook.serve.site import Site

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost")
MOST_CONNECTIONS = 64
SECRET = 24  # random bytes of a token
LOOK_ROUND = 0.2  # seconds after which it is seen that the server is to stop
LAST_WORDS = 5.0  # seconds for connections to end


class PageServer(ThreadingHTTPServer):
    """Answers under a token that nobody else knows, and only those on this machine."""

    allow_reuse_address = system.may_take_ports_again()
    request_queue_size = MOST_CONNECTIONS
    daemon_threads = True
    block_on_close = False

    def __init__(self, site: Site, port: int = 0) -> None:
        self.answer = site.answer
        self.token = token_urlsafe(SECRET)
        self.is_closing = False
        self._open: dict[socket.socket, Thread] = {}
        self._lock = Lock()
        try:
            super().__init__((LOOPBACK, port), PageHandler)
        except OSError as error:
            raise UsageError(_no_port(port, error)) from error

    def server_bind(self) -> None:
        """Without asking anybody what this machine is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]
        self.hosts = {f"{name}:{self.server_port}" for name in NAMES}

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread of its own, unless there are very many."""
        with self._lock:
            is_full = len(self._open) >= MOST_CONNECTIONS
        if is_full:
            self.shutdown_request(request)
            return
        with uninterrupted():
            super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open[request] = current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._open[request]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is nobody's concern."""

    def close(self) -> None:
        """No more requests; those under way are cut off."""
        self.is_closing = True
        self.server_close()
        with self._lock:
            open_now = dict(self._open)
        for connection in open_now:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in open_now.values():
            thread.join(LAST_WORDS)


@contextmanager
def serving(site: Site, port: int = 0) -> Iterator[PageServer]:
    """The site at its address, for as long as the block goes on."""
    server = PageServer(site, port)
    try:
        yield server
    finally:
        server.close()


def _no_port(port: int, error: OSError) -> str:
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return f"port {port} can't be had: name another one, or leave --port out"
    return f"nothing can be served here: {error.strerror or error}"
