"""The server, on this machine alone, and its doorkeeper, who admits clients with the token."""

from __future__ import annotations

import errno
import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from secrets import token_urlsafe
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING

from gradbook import system
from gradbook.errors import UsageError
from gradbook.interruption import uninterrupted
from gradbook.language import current_language, in_language
from gradbook.serve.handler import PageHandler
from gradbook.serve.requests import Answer, Request

if TYPE_CHECKING:
    from gradbook.serve.site import Site


# The doorkeeper --------------------------------------------------------------
#
# A client that knows this server's address shows it at once, in the first line of a request. A
# stranger can open many connections, or send one byte per second: these wait here without a thread,
# each for a few seconds in all, and the oldest make room for new ones.

SECONDS = 4.0  # from a connection's start until its first request is complete
MOST_WAITING = 128  # connections; beyond that, each new one closes the oldest
AT_ONCE = 32  # new connections accepted between two looks at the waiting ones
LONGEST_HEAD = 2**16 + 1  # bytes; the handler refuses longer ones
PIECE = 2**14


@dataclass(eq=False)
class Knocking:
    """A connection, what it has sent so far, and until when it may send more."""

    connection: socket.socket
    address: object
    until: float
    heard: bytearray = field(default_factory=bytearray)
    is_refused: bool = False  # it waits only until the client has received the refusal

    @property
    def token(self) -> bytes:
        """The first part of the requested path."""
        path = [*bytes(self.heard).partition(b"\n")[0].split(b" "), b""][1]
        return [*path.split(b"/"), b""][1]

    def hear(self) -> bool:
        """Read what has arrived without waiting; return whether there may be more."""
        try:
            piece = self.connection.recv(PIECE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not self.is_refused:
            self.heard += piece
        return bool(piece)

    def has_asked(self) -> bool:
        """Whether a request's head has arrived, or more bytes than a head may have."""
        end = max(len(self.heard) - PIECE - 3, 0)
        is_whole = self.heard.find(b"\n\r\n", end) >= 0 or self.heard.find(b"\n\n", end) >= 0
        return is_whole or len(self.heard) >= LONGEST_HEAD


class Doorkeeper:
    """Accepts connections: `admit` gets those with the token, `refuse` the others."""

    def __init__(
        self,
        listener: socket.socket,
        is_token: Callable[[bytes], bool],
        admit: Callable[[Knocking], None],
        refuse: Callable[[Knocking], None],
    ) -> None:
        self.listener = listener
        self.is_token, self.admit, self.refuse = is_token, admit, refuse
        self._selector = selectors.DefaultSelector()
        self._waiting: dict[Knocking, None] = {}  # the oldest first
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)

    def look_round(self, patience: float) -> None:
        """Wait up to `patience` seconds for connections, accept them, and read what has arrived."""
        ready = [key.data for key, _ in self._selector.select(patience)]
        for one in ready:
            if one in self._waiting:
                self._hear(one)
        if None in ready:
            for one in self._newcomers():
                self._hear(one)
        now = monotonic()
        for one in [one for one in self._waiting if one.until <= now]:
            self._close(one)

    def close(self) -> None:
        """Accept no more connections."""
        for one in list(self._waiting):
            self._close(one)
        self._selector.close()
        self.listener.close()

    def _newcomers(self) -> Iterator[Knocking]:
        for _ in range(AT_ONCE):
            try:
                connection, address = self.listener.accept()
            except OSError:  # nobody is waiting, or the client has gone
                return
            if len(self._waiting) >= MOST_WAITING:
                self._close(next(iter(self._waiting)))
            connection.setblocking(False)
            one = Knocking(connection, address, monotonic() + SECONDS)
            self._waiting[one] = None
            self._selector.register(connection, selectors.EVENT_READ, one)
            yield one

    def _hear(self, caller: Knocking) -> None:
        if not caller.hear():
            self._close(caller)
        elif not caller.is_refused and caller.has_asked():
            self._answer(caller)

    def _answer(self, caller: Knocking) -> None:
        if self.is_token(caller.token):
            self._forget(caller)
            self.admit(caller)
            return
        caller.is_refused = True
        self.refuse(caller)
        with suppress(OSError):  # closing at once would discard the refusal
            caller.connection.shutdown(socket.SHUT_WR)

    def _forget(self, caller: Knocking) -> None:
        del self._waiting[caller]
        self._selector.unregister(caller.connection)

    def _close(self, caller: Knocking) -> None:
        self._forget(caller)
        caller.connection.close()


# The server -------------------------------------------------------------------

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost")
MOST_CONNECTIONS = 64  # connections with the token
MOST_UNHEARD = 512  # connections that the system queues until they are accepted
SECRET = 24  # random bytes of a token
LOOK_ROUND = 0.2  # seconds between checks whether to stop
LAST_WORDS = 5.0  # seconds for connections to end


class PageServer:
    """Answers requests from this machine that have a secret token.

    Such a connection gets a thread of its own; no other does.
    """

    def __init__(self, site: Site, port: int = 0) -> None:
        self.site = site
        self.token = token_urlsafe(SECRET)
        self.language = current_language().code  # a new thread would use English
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
        """Serve until it is interrupted, or closed by another thread."""
        while not self.is_closing:
            self._doorkeeper.look_round(LOOK_ROUND)

    def close(self) -> None:
        """Take no more requests, and cut off those under way."""
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

    def _is_token(self, token: bytes) -> bool:
        return compare_digest(token, self.token.encode())

    def _admit(self, caller: Knocking) -> None:
        """Answer it in a thread of its own, unless there are very many."""
        thread = Thread(target=self._talk, args=(caller,), daemon=True)
        with self._lock:
            is_full = len(self._open) >= MOST_CONNECTIONS
            if not is_full:
                self._open[caller.connection] = thread
        if is_full:
            caller.connection.close()
            return
        with uninterrupted():
            thread.start()

    def _talk(self, caller: Knocking) -> None:
        try:
            with (
                in_language(self.language),
                caller.connection,
                suppress(Exception),  # an error ends only this connection
            ):
                caller.connection.setblocking(True)
                PageHandler(caller.connection, caller.address, self, bytes(caller.heard))
        finally:
            with self._lock:
                del self._open[caller.connection]

    def _refuse(self, caller: Knocking) -> None:
        """Send the refusal at once: a new connection always has room for a few bytes."""
        with suppress(Exception):
            heard = bytes(caller.heard)
            PageHandler(caller.connection, caller.address, self, heard, is_known=False)


@contextmanager
def serving(site: Site, port: int = 0) -> Iterator[PageServer]:
    """Serve the site for as long as the block runs."""
    server = PageServer(site, port)
    try:
        yield server
    finally:
        server.close()


def _listening(port: int) -> socket.socket:
    """A socket at that port, reachable from this machine alone."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if system.may_take_ports_again():
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(MOST_UNHEARD)
    except OSError as error:
        listener.close()
        why = f"can't open a local port: {error.strerror or error}"
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            why = f"port {port} isn't available: choose another one, or omit --port"
        raise UsageError(why) from error
    return listener
