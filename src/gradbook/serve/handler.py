"""One connection: each request is checked before anything is done, and each answer is locked down.

A request is accepted only with this server's token, at this machine's own address, from one of its
own pages. All others get a status without any text.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler
from io import SEEK_END, BufferedReader, BytesIO, RawIOBase
from select import select
from shutil import copyfileobj
from time import monotonic
from typing import IO, Any, Protocol, cast
from urllib.parse import quote

from gradbook.errors import FileError, GradbookError, NetTextError, one_line
from gradbook.language.message import translate, words_of
from gradbook.serve.requests import Answer, Content, Cut, RefusalError, Request, json_answer
from gradbook.work import LostTask, OurFault

PATIENCE = 30.0  # seconds that a connection may be silent
LINGER = 2.0  # seconds to go on reading, so that the client receives the refusal
LOOK = 2**14  # bytes of a page in which to look for its policy
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOCKED = "default-src 'none'; base-uri 'none'; form-action 'none'"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".tex": "text/x-tex; charset=utf-8",
    ".svg": "image/svg+xml",
    ".zip": "application/zip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
}
ANY_KIND = "application/octet-stream"
OWN_POLICY = re.compile(rb'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
UNKNOWN = 1
LENGTH = re.compile(r"[0-9]{1,15}")


class Home(Protocol):
    """What a connection needs to know about its server."""

    hosts: set[str]
    token: str
    is_closing: bool

    def answer(self, request: Request) -> Answer: ...


class Resumed(RawIOBase):
    """The bytes already read from a connection, followed by those still to come."""

    def __init__(self, read: bytes, coming: RawIOBase) -> None:
        self.read_already, self.coming = memoryview(read), coming

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self.read_already:
            return cast("int | None", self.coming.readinto(buffer))
        count = min(len(buffer), len(self.read_already))
        buffer[:count] = self.read_already[:count]
        self.read_already = self.read_already[count:]
        return count

    def close(self) -> None:
        self.coming.close()
        super().close()


class PageHandler(BaseHTTPRequestHandler):
    """Answers the requests of a connection one after the other; the first has already been read.

    If the client isn't known to have the token, only that one is answered, without any wait.
    """

    protocol_version = "HTTP/1.1"

    def __init__(
        self,
        connection: socket.socket,
        address: Any,
        home: Home,
        heard: bytes,
        is_known: bool = True,
    ) -> None:
        self.heard, self.is_known = heard, is_known
        super().__init__(connection, address, cast(Any, home))

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(PATIENCE if self.is_known else 0)
        self.rfile = BufferedReader(Resumed(self.heard, self.rfile.detach()))

    @property
    def home(self) -> Home:
        return cast(Home, self.server)

    def answer_request(self) -> None:
        content = Content(self.rfile, UNKNOWN)  # without a length its end is unknown
        try:
            self._require_our_address()
            path, _, query = self.path.partition("?")
            within = self._within(path)
            content.left = self._length()
            request = Request(self.command, within, query, content, self._is_wanted)
            answer = self.home.answer(request)
        except Cut:
            self.close_connection = True
            return
        except Exception as error:
            answer = _objection(error)
        self._send(answer, is_read=self.is_known and not content.left)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer_request
    do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = answer_request

    # Who asks

    def _require_our_address(self) -> None:
        """Require our own host name, and no page from any other site."""
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0].lower() not in self.home.hosts:
            raise RefusalError(421)
        origins = self.headers.get_all("Origin") or []
        if any(origin.lower() != f"http://{hosts[0].lower()}" for origin in origins):
            raise RefusalError(403)
        sites = self.headers.get_all("Sec-Fetch-Site") or []
        if any(site not in ("same-origin", "none") for site in sites) and not self._is_opened():
            raise RefusalError(403)

    def _is_opened(self) -> bool:
        """Whether somebody opens a page in a tab, wherever the link came from."""
        asked = self.headers.get("Sec-Fetch-Mode"), self.headers.get("Sec-Fetch-Dest")
        return self.command == "GET" and asked == ("navigate", "document")

    def _within(self, path: str) -> str:
        """The path below the token; a request without the token is refused."""
        _, token, *rest = [*path.split("/", 2), "", ""][:4]
        token_bytes = token.encode("utf-8", "replace")
        if not path.startswith("/") or not compare_digest(token_bytes, self.home.token.encode()):
            raise RefusalError(404)
        return rest[0]

    def _length(self) -> int:
        """The length of the request's content in bytes."""
        if self.headers.get("Transfer-Encoding"):
            raise RefusalError(411, "send a Content-Length")
        lengths = self.headers.get_all("Content-Length") or ["0"]
        if len(lengths) != 1 or not LENGTH.fullmatch(lengths[0]):
            raise RefusalError(400, "Content-Length must be a number")
        return int(lengths[0])

    def _is_wanted(self) -> bool:
        """Whether the client is still connected."""
        if self.home.is_closing:
            return False
        try:
            readable, _, _ = select([self.connection], [], [], 0)
            return not readable or bool(self.connection.recv(1, socket.MSG_PEEK))
        except (OSError, ValueError):
            return False

    # The answer

    def _send(self, answer: Answer, is_read: bool = True) -> None:
        if not is_read:
            self.close_connection = True
        content = answer.content
        source = BytesIO(content) if isinstance(content, bytes) else content
        with suppress(OSError), source:  # the client may have gone away
            self._send_all(answer, source)
            if not is_read and self.is_known:
                self._linger()

    def _send_all(self, answer: Answer, source: IO[bytes]) -> None:
        self.send_response(answer.status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        source.seek(0)
        is_page = answer.kind == ".html"  # its own head says its policy; others may do nothing
        policy = OWN_POLICY.search(source.read(LOOK)) if is_page else None
        source.seek(0)
        allowed = f"{policy[1].decode() if policy else LOCKED}; frame-ancestors 'none'"
        self.send_header("Content-Security-Policy", allowed)
        if answer.kind:
            self.send_header("Content-Type", KINDS.get(answer.kind, ANY_KIND))
        if answer.name:
            plain = re.sub(r'[^ -~]|["\\%]', "_", answer.name)
            whole = quote(answer.name, safe="")
            named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}"
            self.send_header("Content-Disposition", named)
        if answer.status != 204:
            self.send_header("Content-Length", str(source.seek(0, SEEK_END)))
            source.seek(0)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            copyfileobj(source, self.wfile)

    def _linger(self) -> None:
        """Read on for a while: closing with unread bytes would discard the answer."""
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(LINGER)
        until = monotonic() + LINGER
        while monotonic() < until and self.connection.recv(LOOK):
            pass

    # Instead of the library's own

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer something that isn't a request: a status without any text."""
        self.close_connection = True
        self._send(Answer(status=int(code)))

    def version_string(self) -> str:
        return "gradbook"

    def log_message(self, format: str, *words: object) -> None:
        """Log nothing: whoever uses the terminal sees the page."""


def _objection(error: Exception) -> Answer:
    """The answer to an error; a refusal without a reason has no text."""
    match error:
        case RefusalError(why=""):
            return Answer(status=error.status)
        case RefusalError():
            return json_answer(
                {"error": one_line(translate(error.why)), **error.facts}, error.status
            )
        case NetTextError():
            place = {"line": error.line, "column": error.column}
            return json_answer({"error": one_line(error.message), **place}, 422)
        case FileError():
            return json_answer({"error": str(error)}, 507)
        case GradbookError():
            return json_answer({"error": translate(words_of(error))}, 422)
        case LostTask():
            return json_answer({"error": translate(words_of(error))}, 503)
        case OurFault():
            return json_answer({"error": str(error)}, 500)
    fault = one_line(f"an internal error in gradbook ({type(error).__name__}: {error})")
    return json_answer({"error": fault}, 500)
