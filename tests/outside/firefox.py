"""Firefox at work: a page in it is clicked, typed into and asked, as its reader would.

It is spoken to over a socket, in the protocol that browsers have in common (WebDriver BiDi), so
that nothing else is needed and the page's policy stays in force.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.outside.witness import WitnessError, program

# It neither asks for anything on the network nor says anything there.
SETTINGS = {
    "ui.prefersReducedMotion": 1,  # so that no page runs by itself
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}
LISTENS = re.compile(r"BiDi listening on ws://127\.0\.0\.1:(\d+)")
PATIENCE = 120.0  # seconds
TEXT, LONG, VERY_LONG = 0x81, 126, 127  # of the frames in which a socket carries messages
MIDDLE = """(element => {
  element.scrollIntoView({block: "center", behavior: "instant"})
  const box = element.getBoundingClientRect()
  return [box.x + box.width / 2, box.y + box.height / 2]
})"""


class Socket:
    """Messages over a web socket of this computer (RFC 6455), as little of it as is needed."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            (
                f"GET /session HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: {key}\r\n\r\n"
            ).encode()
        )
        self.stream = self.socket.makefile("rb")
        if b" 101 " not in self.stream.readline():
            raise WitnessError("firefox takes no socket")
        while self.stream.readline().strip():
            pass

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stream.close()
        self.socket.close()

    def send(self, text: str) -> None:
        data, mask = text.encode(), os.urandom(4)
        size = len(data)
        head = (
            bytes([TEXT, 0x80 | size])
            if size < LONG
            else bytes([TEXT, 0x80 | LONG]) + struct.pack(">H", size)
            if size < 1 << 16
            else bytes([TEXT, 0x80 | VERY_LONG]) + struct.pack(">Q", size)
        )
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self.socket.sendall(head + mask + masked)

    def hear(self) -> str:
        """The next message, which may come in several frames."""
        parts = []
        while True:
            first, size = self._read(2)
            if size == LONG:
                (size,) = struct.unpack(">H", self._read(2))
            elif size == VERY_LONG:
                (size,) = struct.unpack(">Q", self._read(8))
            parts.append(self._read(size))
            if first & 0x80:
                return b"".join(parts).decode()

    def _read(self, size: int) -> bytes:
        found = self.stream.read(size)
        if len(found) < size:
            raise WitnessError("firefox went away")
        return found


class Firefox:
    """One page in a Firefox; `said` is what it complained of."""

    def __init__(self, opened: Socket) -> None:
        self.socket = opened
        self.count = 0
        self.said: list[str] = []
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded"])
        self.page = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method: str, **params: Any) -> Any:
        """One command, and what it answers."""
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        while True:
            heard = json.loads(self.socket.hear())
            if heard.get("method") == "log.entryAdded":
                entry = heard["params"]
                if entry["level"] in ("error", "warn"):
                    self.said.append(str(entry["text"]))
            if heard.get("id") == self.count:
                if heard["type"] == "error":
                    raise WitnessError(f"{method}: {heard['message']}")
                return heard["result"]

    def show(self, page: Path | str, width: int = 1200, height: int = 900) -> None:
        """Load a file or an address in a window of that size."""
        size = {"width": width, "height": height}
        self.ask("browsingContext.setViewport", context=self.page, viewport=size)
        address = page if isinstance(page, str) else page.resolve().as_uri()
        self.ask("browsingContext.navigate", context=self.page, url=address, wait="complete")
        self.settle()

    def value(self, expression: str) -> Any:
        """What an expression is in the page; a promise is waited for."""
        found = self.ask(
            "script.evaluate",
            expression=f"(async () => JSON.stringify([await ({expression})]))()",
            target={"context": self.page},
            awaitPromise=True,
        )
        if found["type"] == "exception":
            raise WitnessError(found["exceptionDetails"]["text"])
        return json.loads(found["result"]["value"])[0]

    def settle(self) -> None:
        """Until what was changed is shown."""
        twice = "requestAnimationFrame(() => requestAnimationFrame(() => done(1)))"
        self.value(f"new Promise(done => {twice})")

    def click(self, selector: str) -> None:
        """The middle of an element, by mouse."""
        x, y = map(round, self.value(f"{MIDDLE}(document.querySelector({selector!r}))"))
        actions = [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._act({"type": "pointer", "id": "mouse", "actions": actions})

    def hover(self, x: int, y: int) -> None:
        """Point at a place of the window."""
        actions = [{"type": "pointerMove", "x": x, "y": y}]
        self._act({"type": "pointer", "id": "mouse", "actions": actions})

    def key(self, *keys: str) -> None:
        """Press keys one after the other, and let them go together."""
        actions = [{"type": "keyDown", "value": key} for key in keys]
        actions += [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self._act({"type": "key", "id": "keys", "actions": actions})

    def _act(self, source: dict[str, Any]) -> None:
        self.ask("input.performActions", context=self.page, actions=[source])
        self.settle()

    def until(self, expression: str, patience: float = 60.0) -> Any:
        """What an expression is in the page, once it is anything."""
        end = monotonic() + patience
        while not (found := self.value(expression)):
            if monotonic() > end:
                raise WitnessError(f"{expression} didn't come to be")
            sleep(0.05)
        return found

    def text(self, selector: str) -> str:
        return str(self.value(f"document.querySelector({selector!r}).textContent"))


@contextmanager
def firefox() -> Iterator[Firefox]:
    """A Firefox, which ends with the block."""
    with tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as profile:
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in SETTINGS.items()]
        Path(profile, "user.js").write_text("\n".join(lines), encoding="utf-8")
        words = [program("firefox"), "--headless", "--no-remote", "--profile", profile]
        log = Path(profile, "said.txt")
        with (
            log.open("w", encoding="utf-8") as said,
            subprocess.Popen(
                [*words, "--remote-debugging-port", "0", "about:blank"],
                stdout=said,
                stderr=said,
                env=os.environ | {"HOME": profile},
            ) as started,
        ):
            try:
                with Socket(_port(log)) as opened:
                    yield Firefox(opened)
            finally:
                started.terminate()


def _port(log: Path) -> int:
    """On which it listens, once it says so."""
    end = monotonic() + PATIENCE
    while monotonic() < end:
        found = LISTENS.search(log.read_text("utf-8", errors="replace"))
        if found:
            return int(found[1])
        sleep(0.05)
    raise WitnessError("firefox listens nowhere")
