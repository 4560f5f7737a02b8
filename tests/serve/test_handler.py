"""Who may ask: under the token, at this machine's own address, from the page itself."""

from __future__ import annotations

import json
import socket
import time

import pytest

from tests.cases import for_each
from tests.serve.running import served

GUARDS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


@pytest.fixture(scope="module")
def on():
    with served() as running:
        yield running


def test_the_page_is_under_its_token(on):
    status, content, headers = on.ask("")
    assert status == 200
    assert b"Drop workbooks" in content
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert len(on.root.strip("/")) == 32


@for_each("path", ["", "classes", "nothing", "texts/1/net.xlsx"])
def test_every_answer_is_guarded(on, path):
    _, _, headers = on.ask(path)
    assert headers.items() >= GUARDS.items()
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_server_doesnt_say_what_it_is_made_of(on):
    assert on.ask("")[2]["Server"] == "gradbook"


@for_each("path", ["/", "//", "/index.html", "/x/", "/{token}x/", "/../{token}/"])
def test_outside_the_token_there_is_nothing(on, path):
    where = path.replace("{token}", on.root.strip("/"))
    request = f"GET {where} HTTP/1.1\r\nHost: 127.0.0.1:{on.port}\r\nConnection: close\r\n\r\n"
    head, _, body = on.raw(request.encode()).partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))
    assert body == b""


@for_each("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", ""])
def test_another_host_is_refused_without_a_word(on, host):
    status, content, _ = on.ask("", Host=host.replace("{port}", str(on.port)))
    assert (status, content) == (421, b"")


def test_localhost_is_this_machine_too(on):
    assert on.ask("", Host=f"localhost:{on.port}")[0] == 200


def test_two_hosts_are_one_too_many(on):
    here = f"Host: 127.0.0.1:{on.port}\r\n"
    found = on.raw(f"GET {on.root} HTTP/1.1\r\n{here}{here}Connection: close\r\n\r\n".encode())
    assert found.startswith(b"HTTP/1.1 421")


@for_each(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://localhost:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_page_is_refused_without_a_word(on, headers):
    said = {name: value.replace("{port}", str(on.port)) for name, value in headers.items()}
    status, content, _ = on.ask("classes", "POST", **said)
    assert (status, content) == (403, b"")


@for_each(
    ("method", "path", "dest", "status"),
    [
        ("GET", "", "document", 200),
        ("GET", "", "iframe", 403),
        ("POST", "classes", "document", 403),
    ],
)
def test_a_link_elsewhere_may_open_the_page_and_no_more(on, method, path, dest, status):
    come = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": dest}
    assert on.ask(path, method, **come)[0] == status


def test_its_own_page_is_heard(on):
    origin = f"http://127.0.0.1:{on.port}"
    assert on.ask("classes", "POST", Origin=origin, Sec_Fetch_Site="same-origin")[0] == 201


@for_each("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "POST"])
def test_what_cant_be_done_there_is_said(on, method):
    assert on.ask("", method)[0] == 405


def test_a_method_that_nobody_knows_gets_a_status(on):
    found = on.raw(f"BREW {on.root} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert found.startswith(b"HTTP/1.1 501")
    assert found.endswith(b"\r\n\r\n")


@for_each(
    ("lines", "status"),
    [
        ("Content-Length: many", 400),
        ("Content-Length: -1", 400),
        ("Content-Length: 1\r\nContent-Length: 2", 400),
        ("Transfer-Encoding: chunked", 411),
        (f"Content-Length: {5 * 2**20}", 413),
        ("X: y\r\n" * 200 + "Content-Length: 2", 431),
    ],
)
def test_a_length_that_wont_do_gets_a_clear_status(on, lines, status):
    head = f"POST {on.root}explain HTTP/1.1\r\nHost: 127.0.0.1:{on.port}\r\n{lines}\r\n\r\n"
    found = on.raw(head.encode() + b"{}")
    assert found.startswith(f"HTTP/1.1 {status}".encode())


@for_each("noise", [b"\x16\x03\x01\x02\x00\x01\xfc", b"GET\r\n\r\n", b"\0" * 100 + b"\r\n"])
def test_noise_gets_no_word_and_stops_nobody(on, noise):
    found = on.raw(noise + b"\r\n\r\n")
    assert b"gradbook" not in found.partition(b"\r\n\r\n")[2]
    assert on.ask("")[0] == 200


def test_a_very_long_address_is_refused(on):
    found = on.raw(f"GET {on.root}{'a' * 70_000} HTTP/1.1\r\n\r\n".encode())
    assert found.startswith(b"HTTP/1.1 414")


@for_each(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        (b'{"text": 1}', 422),
        (b'{"text": "input 1", "onl": "w1"}', 400),
        (b'{"text": "input 1", "only": ""}', 422),
        (json.dumps({"text": "x" * 200_001}).encode(), 422),
        (b"\xff\xfe", 400),
    ],
)
def test_records_are_held_to_what_was_asked_for(on, body, status):
    found, content, _ = on.ask("explain", "POST", body)
    assert found == status
    assert json.loads(content)["error"]


def test_formulas_are_explained_swept_and_become_workbooks_as_networks_do(on):
    text = "y = |2x - 1|² + e^-x; x = 1"
    made = {verb: on.tell(verb, "POST", {"text": text}) for verb in ("explain", "sheet", "sweep")}
    said = on.ask(f"texts/{made['explain']['result']}/derivation.txt")[1].decode()
    assert "y = abs(2·x − 1)² + exp(−x)" in said
    assert on.ask(f"texts/{made['sheet']['result']}/net.xlsx")[0] == 200
    assert "sweep.svg" in made["sweep"]["files"]


@for_each("query", ["since=-1", "since=x", "points=1&points=1", "color=red", "out_of=nan", "=&="])
def test_queries_are_too(on, query):
    number = on.tell("classes", "POST")["class"]
    assert on.ask(f"classes/{number}?{query}")[0] in (400, 422)


@for_each("path", ["classes/99999", "classes/1/books/77", "texts/9/net.xlsx", "texts/1/../../x"])
def test_what_isnt_there_is_said(on, path):
    on.tell("classes", "POST")
    status, content, _ = on.ask(path)
    assert status == 404
    assert json.loads(content)["error"]


def test_very_many_connections_dont_stop_the_server(on):
    held = [socket.create_connection(("127.0.0.1", on.port)) for _ in range(80)]
    for connection in held:
        connection.close()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if on.ask("")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("it doesn't answer any more")


def test_nobody_else_on_the_network_can_reach_it(on):
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    elsewhere = [one for one in addresses if not str(one).startswith(("127.", "::1"))]
    for address in elsewhere:
        with pytest.raises((ConnectionError, TimeoutError)):
            socket.create_connection((str(address), on.port), timeout=2)
