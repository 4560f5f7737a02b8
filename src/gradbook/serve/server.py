"""The server: this machine's own address and no other, a token in it, a few connections at once."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hmac import compare_digest
from secrets import token_urlsafe
from threading import Lock, Thread
from typing import TYPE_CHECKING

from gradbook import system
from gradbook.errors import UsageError
from gradbook.interruption import uninterrupted
from gradbook.serve.doorkeeper import Doorkeeper, Knocking
from gradbook.serve.handler import PageHandler
from gradbook.serve.requests import Answer, Request

if TYPE_CHECKING:
    from gradbook.serve.site import Site

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost")
MOST_CONNECTIONS = 64  # that know the token
MOST_UNHEARD = 512  # that the system keeps for us until they are accepted
SECRET = 24  # random bytes of a token
LOOK_ROUND = 0.2  # seconds after which it is seen that the server is to stop
LAST_WORDS = 5.0  # seconds for connections to end


class PageServer:
    """Answers under a token that nobody else knows, and only those on this machine.

    Who knows it is answered in a thread of its own; nobody else gets one.
    """

    def __init__(self, site: Site, port: int = 0) -> None:
        self.site = site
        self.token = token_urlsafe(SECRET)
        self.is_closing = False
        self._open: dict[socket.socket, Thread] = {}
        self._lock = Lock()
        listener = _listening(port)
        self.port: int = listener.getsockname()[1]
        self.hosts = {f"{name}:{self.port}" for name in NAMES}
        self._doorkeeper = Doorkeeper(listener, self._is_token, self._admit, self._refuse)

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/{self.token}/"

    def answer(self, request: Request) -> Answer:
        return self.site.answer(request)

    def serve(self) -> None:
        """Until it is interrupted, or closed by another thread."""
        while not self.is_closing:
            self._doorkeeper.look_round(LOOK_ROUND)

    def close(self) -> None:
        """No more requests; those under way are cut off."""
        self.is_closing = True
        self._doorkeeper.close()
        with self._lock:
            open_now = dict(self._open)
        for connection in open_now:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in open_now.values():
            thread.join(LAST_WORDS)

    # Who comes in

    def _is_token(self, given: bytes) -> bool:
        return compare_digest(given, self.token.encode())

    def _admit(self, one: Knocking) -> None:
        """In a thread of its own, unless there are very many."""
        thread = Thread(target=self._talk, args=(one,), daemon=True)
        with self._lock:
            is_full = len(self._open) >= MOST_CONNECTIONS
            if not is_full:
                self._open[one.connection] = thread
        if is_full:
            one.connection.close()
            return
        with uninterrupted():
            thread.start()

    def _talk(self, one: Knocking) -> None:
        try:
            with one.connection, suppress(Exception):  # one that broke is nobody's concern
                one.connection.setblocking(True)
                PageHandler(one.connection, one.address, self, bytes(one.said))
        finally:
            with self._lock:
                del self._open[one.connection]

    def _refuse(self, one: Knocking) -> None:
        """At once, for that is a few bytes, which a new connection always has room for."""
        with suppress(Exception):
            PageHandler(one.connection, one.address, self, bytes(one.said), is_known=False)


@contextmanager
def serving(site: Site, port: int = 0) -> Iterator[PageServer]:
    """The site at its address, for as long as the block goes on."""
    server = PageServer(site, port)
    try:
        yield server
    finally:
        server.close()


def _listening(port: int) -> socket.socket:
    """A socket at that port of this machine alone."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if system.may_take_ports_again():
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(MOST_UNHEARD)
    except OSError as error:
        listener.close()
        raise UsageError(_no_port(port, error)) from error
    return listener


def _no_port(port: int, error: OSError) -> str:
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return f"port {port} can't be had: name another one, or leave --port out"
    return f"nothing can be served here: {error.strerror or error}"
