"""The doorkeeper: connections that haven't said yet who they are, and who is let in.

Whoever has this server's address says so at once, in the first line of a request. A stranger can
hold connections open, or send a letter a second, as many as it likes: they are kept here, without
a thread, each for a few seconds in all, and the oldest make room for those that come.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

SECONDS = 4.0  # from a connection's beginning until its first request has come
MOST_WAITING = 128  # connections; then the oldest one is closed for each that comes
AT_ONCE = 32  # that are let in between two looks at what those that wait have said
LONGEST_HEAD = 2**16 + 1  # bytes; what is longer, whoever answers refuses
PIECE = 2**14


@dataclass(eq=False)
class Knocking:
    """A connection, what it has said so far, and until when it may say more."""

    connection: socket.socket
    address: object
    until: float
    said: bytearray = field(default_factory=bytearray)
    is_refused: bool = False  # and only waited for until it has heard that

    @property
    def token(self) -> bytes:
        """The first part of the path that is asked for."""
        path = [*bytes(self.said).partition(b"\n")[0].split(b" "), b""][1]
        return [*path.split(b"/"), b""][1]

    def hear(self) -> bool:
        """Read what has come; whether there may be more. Nothing is waited for."""
        try:
            piece = self.connection.recv(PIECE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not self.is_refused:
            self.said += piece
        return bool(piece)

    def has_asked(self) -> bool:
        """Whether a request's head is here, or more than one would be."""
        end = max(len(self.said) - PIECE - 3, 0)
        is_whole = self.said.find(b"\n\r\n", end) >= 0 or self.said.find(b"\n\n", end) >= 0
        return is_whole or len(self.said) >= LONGEST_HEAD


class Doorkeeper:
    """Where connections come in: `admit` gets those that know the token, `refuse` the others."""

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
        """Hear those who have said something, let in those who came; wait for them so long."""
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
        """Nobody comes in any more."""
        for one in list(self._waiting):
            self._close(one)
        self._selector.close()
        self.listener.close()

    def _newcomers(self) -> Iterator[Knocking]:
        for _ in range(AT_ONCE):
            try:
                connection, address = self.listener.accept()
            except OSError:  # nobody else is there, or was and has gone
                return
            if len(self._waiting) >= MOST_WAITING:
                self._close(next(iter(self._waiting)))
            connection.setblocking(False)
            one = Knocking(connection, address, monotonic() + SECONDS)
            self._waiting[one] = None
            self._selector.register(connection, selectors.EVENT_READ, one)
            yield one

    def _hear(self, one: Knocking) -> None:
        if not one.hear():
            self._close(one)
        elif not one.is_refused and one.has_asked():
            self._answer(one)

    def _answer(self, one: Knocking) -> None:
        if self.is_token(one.token):
            self._forget(one)
            self.admit(one)
            return
        one.is_refused = True
        self.refuse(one)
        with suppress(OSError):  # closed at once, it would take the refusal along
            one.connection.shutdown(socket.SHUT_WR)

    def _forget(self, one: Knocking) -> None:
        del self._waiting[one]
        self._selector.unregister(one.connection)

    def _close(self, one: Knocking) -> None:
        self._forget(one)
        one.connection.close()
