"""Strangers at the door: however many connections they hold, who has the address is answered."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gradbook.serve.server import MOST_WAITING, PIECE, SECONDS, Knocking
from tests.cases import for_each
from tests.serve.running import Served, served

PROMPTLY = 2.0  # seconds, on a busy machine
MARGIN = 5.0


@pytest.fixture(scope="module")
def on():
    with served() as running:
        yield running


@contextmanager
def held(on: Served, count: int, said: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections that stay open as long as they are let, having said this much."""
    connections = []
    try:
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", on.port), timeout=10)
            connections.append(connection)
            connection.sendall(said)
        yield connections
    finally:
        for connection in connections:
            connection.close()


@for_each("long", [0, PIECE, 3 * PIECE])
def test_a_head_is_whole_at_its_blank_line_and_its_path_begins_with_the_token(long):
    knocking = Knocking(socket.socket(), None, 0)
    with knocking.connection:
        head = b"GET /abc/page HTTP/1.1\r\nCookie: " + b"x" * long + b"\r\n\r\n"
        for at in (len(head) - 2, len(head)):
            knocking.heard = bytearray(head[:at])
            assert knocking.has_asked() == (at == len(head))
        assert knocking.token == b"abc"


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return True
    except OSError:
        return False


def assert_prompt(on: Served) -> None:
    begun = time.monotonic()
    assert on.ask("")[0] == 200
    number = on.tell("classes", "POST")["class"]
    assert on.ask(f"classes/{number}", "DELETE")[0] == 204
    assert time.monotonic() - begun < PROMPTLY


BEGINNINGS = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "noise": b"\x16\x03\x01\x02\x00",
    "a refused request": b"GET /guess/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "a body that never comes": b"POST /guess/ HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n",
    "a head without an end": b"GET /" + b"a" * 70_000,
}


@for_each("said", BEGINNINGS.values(), ids=BEGINNINGS)
@for_each("count", [64, 500])
def test_connections_that_are_held_keep_nobody_out(on, count, said):
    with held(on, count, said) as connections:
        assert_prompt(on)
        if not said:
            assert sum(map(is_open, connections)) <= MOST_WAITING


def test_a_letter_at_a_time_keeps_nobody_out_and_gains_no_time(on):
    """Each connection says a little more, again and again, as slow clients do."""
    begun = time.monotonic()
    with held(on, 100, b"GET / HTTP/1.1\r\nX: ") as connections:
        is_dripping = connections
        while is_dripping and time.monotonic() - begun < SECONDS + MARGIN:
            for connection in is_dripping:
                try:
                    connection.sendall(b"a")
                except OSError:
                    continue
            assert_prompt(on)
            is_dripping = [one for one in is_dripping if is_open(one)]
            time.sleep(0.2)
        assert not is_dripping


def test_an_upload_and_an_open_page_outlast_a_crowd(on):
    """What has been let in isn't put out for those who come."""
    head = f"POST {on.root}explain HTTP/1.1\r\nHost: 127.0.0.1:{on.port}\r\n"
    body = b'{"text": "input 1; dense 1; loss half squared error"}'
    with socket.create_connection(("127.0.0.1", on.port), timeout=20) as mine:
        mine.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        time.sleep(0.3)
        with held(on, 300):
            time.sleep(SECONDS + 1)
            mine.sendall(body[10:])
            assert mine.recv(12) == b"HTTP/1.1 201"


def test_a_head_in_pieces_is_heard_whole(on):
    request = f"GET {on.root} HTTP/1.1\r\nHost: 127.0.0.1:{on.port}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", on.port), timeout=10) as mine:
        for k in range(0, len(request), 7):
            mine.sendall(request[k : k + 7].encode())
            time.sleep(0.005)
        found = b""
        while piece := mine.recv(1 << 16):
            found += piece
    assert found.startswith(b"HTTP/1.1 200")
    assert b"Drop workbooks" in found


def test_several_requests_at_once_are_answered_in_turn(on):
    one = f"GET {on.root}nothing HTTP/1.1\r\nHost: 127.0.0.1:{on.port}\r\n"
    last = f"{one}Connection: close\r\n\r\n"
    assert on.raw(f"{one}\r\n{one}\r\n{last}".encode()).count(b"HTTP/1.1 404") == 3
