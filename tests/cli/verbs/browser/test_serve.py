"""`gradbook class serve` begins with an address and ends without a trace."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from gradbook.cli.main import main
from tests.cases import for_each
from tests.serve.books import content
from tests.serve.running import PATIENCE, served


@for_each("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@for_each("everybody", [True, False], ids=["as a terminal does", "to it alone"])
def test_it_ends_without_a_trace(name, everybody):
    with served() as on:
        number = on.handed_in([("ada.xlsx", content())])
        children = on.children()
        assert children
        assert on.kept()
        held = socket.create_connection(("127.0.0.1", on.port))
        (os.killpg if everybody else os.kill)(on.process.pid, getattr(signal, name))
        said, complained = on.process.communicate(timeout=20)
        held.close()
        assert (on.process.returncode, complained) == (0, "")
        assert said.splitlines()[-1] == "stopped; no dropped files are kept"
        assert number
        assert list(on.folder.iterdir()) == []
        assert not [pid for pid in children if os.path.exists(f"/proc/{pid}")]


def test_it_ends_while_books_are_judged_and_sent():
    with served("--workers", "1") as on:
        number = on.tell("classes", "POST")["class"]
        files = [{"name": f"{k}.xlsx", "size": len(content())} for k in range(20)]
        found = on.tell(f"classes/{number}/books", "POST", {"books": files})["books"]
        for book in found:
            on.ask(f"classes/{number}/books/{book['number']}", "PUT", content())
        half = socket.create_connection(("127.0.0.1", on.port))
        head = f"PUT {on.root}classes/{number}/books/1 HTTP/1.1\r\nHost: 127.0.0.1:{on.port}\r\n"
        half.sendall(f"{head}Content-Length: 100\r\n\r\nhalf".encode())
        on.process.send_signal(signal.SIGINT)
        assert on.process.wait(20) == 0
        half.close()
        assert list(on.folder.iterdir()) == []


def test_its_helpers_end_when_it_is_killed():
    with served() as on:
        children = on.children()
        on.process.kill()
        on.process.wait()
        until = time.monotonic() + 15
        while any(os.path.exists(f"/proc/{pid}") for pid in children) and time.monotonic() < until:
            time.sleep(0.1)
        assert not [pid for pid in children if os.path.exists(f"/proc/{pid}")]


def test_a_helper_that_dies_is_replaced():
    with served("--workers", "1") as on:
        (helper,) = on.children()
        os.kill(helper, signal.SIGKILL)
        number = on.handed_in([("ada.xlsx", content()), ("bob.xlsx", content())])
        verdicts = [book["verdict"] for book in on.tell(f"classes/{number}")["books"]]
        assert verdicts[-1] == "right"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
@for_each(
    "shell",
    [
        pytest.param('exec "$@" <&- >&- 2>&-', id="nothing to read or write"),
        pytest.param('mkdir gone; cd gone; rmdir ../gone; exec "$@"', id="a folder that is gone"),
        pytest.param('ulimit -n 24; PATH= COLUMNS=1 exec "$@"', id="few files and no programs"),
    ],
)
def test_odd_surroundings_do_no_harm(shell, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
    (tmp_path / "kept").mkdir()
    serve = [
        sys.executable,
        "-m",
        "gradbook",
        "class",
        "serve",
        "--no-browser",
        "--port",
        str(port),
    ]
    settings = {**os.environ, "TMPDIR": str(tmp_path / "kept")}
    with subprocess.Popen(["/bin/sh", "-c", shell, "sh", *serve], cwd=tmp_path, env=settings) as on:
        try:
            until = time.monotonic() + PATIENCE
            while not _answers(port) and time.monotonic() < until:
                time.sleep(0.1)
            on.send_signal(signal.SIGINT)
            assert on.wait(20) == 0
        finally:
            on.kill()
    assert list((tmp_path / "kept").iterdir()) == []


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def test_a_port_may_be_named_and_one_that_is_taken_is_refused(capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        other.listen()
        assert main(["class", "serve", "--no-browser", "--port", str(port)]) == 2
    output = capsys.readouterr()
    assert output.err == (
        f"gradbook: port {port} isn't available: choose another one, or omit --port\n"
    )
    with served("--port", str(port)) as on:
        assert on.port == port


@for_each("port", ["-1", "65536", "http"])
def test_a_port_is_a_number(port, capsys):
    assert main(["class", "serve", "--port", port]) == 2
    assert "--port" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_the_next_one_takes_away_what_a_killed_one_left():
    """At once, though the helpers of the killed one may take a moment to see that it is gone."""
    with served() as on:
        on.handed_in([("ada.xlsx", b"no workbook")])
        (kept,) = on.folder.iterdir()
        assert list(kept.rglob("*.xlsx"))
        on.process.kill()
        on.process.wait()
        assert kept.exists()
        with served(TMPDIR=str(on.folder)) as again:
            assert not kept.exists()
            assert again.ask("")[0] == 200
