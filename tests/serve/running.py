"""A `gradbook class serve` that runs, and who asks it: over sockets, as any program could."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 60.0


@dataclass
class Served:
    """A server in a process, with the folder in which it keeps what is dropped."""

    process: subprocess.Popen[str]
    address: str
    folder: Path

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    @property
    def root(self) -> str:
        return urlsplit(self.address).path

    def ask(
        self, path: str, method: str = "GET", body: Any = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, content and headers; a body that isn't bytes is sent as JSON."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, self.root + path, content, named)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def tell(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """The same of values; it must go well."""
        status, content, _ = self.ask(path, method, body)
        assert status < 300, content
        return json.loads(content) if content else None

    def raw(self, text: bytes, patience: float = 10.0) -> bytes:
        """Whatever comes back when these bytes are sent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=patience) as connection:
            connection.sendall(text)
            found = b""
            while piece := connection.recv(1 << 16):
                found += piece
        return found

    # A class

    def handed_in(self, books: Sequence[tuple[str, bytes]]) -> int:
        """A class of these books, all of them judged."""
        number = self.tell("classes", "POST")["class"]
        self.hand_in(number, books)
        return number

    def hand_in(self, number: int, books: Sequence[tuple[str, bytes]]) -> None:
        announced = [{"name": name, "size": len(content)} for name, content in books]
        found = self.tell(f"classes/{number}/books", "POST", {"books": announced})
        contents = dict(books)
        for book in found["books"]:
            self.ask(f"classes/{number}/books/{book['number']}", "PUT", contents[book["given"]])
        self.wait_for(number)

    def wait_for(self, number: int) -> Any:
        end = time.monotonic() + PATIENCE
        while (found := self.tell(f"classes/{number}"))["pending"]:
            assert time.monotonic() < end
            time.sleep(0.05)
        return found

    # What is left

    def kept(self) -> list[str]:
        """The files that it keeps."""
        return sorted(
            str(p.relative_to(self.folder)) for p in self.folder.rglob("*") if p.is_file()
        )

    def children(self) -> set[int]:
        """The processes that it has begun, and those that these have."""
        parents: dict[int, int] = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                words = status.read_text("utf-8", "replace").rpartition(")")[2].split()
            except OSError:
                continue
            if words[0] != "Z":
                parents[int(status.parent.name)] = int(words[1])
        found, more = set(), {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in more} - found:
            found |= more
        return found


@contextmanager
def served(*words: str, **settings: str) -> Iterator[Served]:
    """A server whose temporary files have a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="served-") as folder:
        everything = {**os.environ, "TMPDIR": folder, **settings}
        command = [sys.executable, "-m", "gradbook", "class", "serve", "--no-browser", *words]
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=everything,
            start_new_session=True,
        ) as process:
            assert process.stdout
            try:
                words = process.stdout.readline().split()
                address = next((word for word in words if word.startswith("http://")), "")
                assert address, process.stderr.read() if process.stderr else ""
                yield Served(process, address, Path(folder))
            finally:
                process.kill()
