"""Chromium at work: a page in it is clicked, typed into and asked, as its reader would.

It is spoken to over a pipe, in its own protocol, so that the page's policy stays in force.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.outside.witness import CHROMIUM_FLAGS, WitnessError, axe_script, program

KEYS = {"Tab": 9, "Enter": 13, " ": 32, "PageUp": 33, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38}
KEYS |= {"Backspace": 8, "ArrowRight": 39, "ArrowDown": 40, "Delete": 46, "y": 89, "z": 90}


# Chromium reads its commands from file 3 and answers into file 4, whatever these were here.
MIDDLE = """(async () => {{
  const element = document.querySelector({selector})
  let before = ""
  for (let tries = 0; tries < 50; tries++) {{
    element.scrollIntoView({{ block: "center", behavior: "instant" }})
    const box = element.getBoundingClientRect()
    const middle = [box.x + box.width / 2, box.y + box.height / 2]
    if (before === String(middle)) return middle
    before = String(middle)
    await new Promise(done => requestAnimationFrame(done))
  }}
  throw new Error("it doesn't stand still")
}})()"""
REVEALING = """(selector => {
  const panel = document.querySelector(selector)?.closest("[role=tabpanel][hidden]")
  if (panel) document.querySelector(`[aria-controls="${panel.id}"]`).click()
})"""
HEARING = """(selector => {
  window.heard = false
  const hear = () => { window.heard = true }
  document.querySelector(selector).addEventListener("pointerdown", hear, { once: true })
})"""
LISTENING = """
import fcntl, os, sys
asked, answered = [fcntl.fcntl(int(word), fcntl.F_DUPFD, 10) for word in sys.argv[1:3]]
os.dup2(asked, 3)
os.dup2(answered, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Pipe:
    """A Chromium that listens on a pipe, for as long as Python runs."""

    def __init__(self, **environment: str) -> None:
        to_it, from_us = os.pipe()
        to_us, from_it = os.pipe()
        self.reader = os.fdopen(to_us, "rb", buffering=0)
        self.writer = os.fdopen(from_us, "wb", buffering=0)
        self.count, self.waiting = 0, b""
        self.profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        words = [program("chromium"), *CHROMIUM_FLAGS, "--remote-debugging-pipe"]
        words += [f"--user-data-dir={self.profile.name}", "about:blank"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", LISTENING, str(to_it), str(from_it), *words],
            pass_fds=(to_it, from_it),
            stderr=subprocess.DEVNULL,
            env=os.environ | environment,
        )
        os.close(to_it)
        os.close(from_it)
        atexit.register(self.close)

    def send(self, told: dict[str, Any]) -> int:
        self.count += 1
        self.writer.write(json.dumps(told | {"id": self.count}).encode() + b"\0")
        return self.count

    def hear(self) -> Any:
        while b"\0" not in self.waiting:
            more = self.reader.read(1 << 16)
            if not more:
                chromium.cache_clear()
                raise WitnessError("chromium went away")
            self.waiting += more
        message, _, self.waiting = self.waiting.partition(b"\0")
        return json.loads(message)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.reader.close()
        self.writer.close()
        self.profile.cleanup()


chromium = cache(Pipe)


class Browser:
    """A window of its own, with nothing kept of others; `said` is what it complained of."""

    def __init__(self, pipe: Pipe | None = None) -> None:
        self.pipe = pipe or chromium()
        self.said: list[str] = []
        self.session = ""
        self.context = self.ask("Target.createBrowserContext")["browserContextId"]
        self.turn_to(self.new_tab())

    def close(self) -> None:
        self.session = ""
        self.ask("Target.disposeBrowserContext", browserContextId=self.context)

    def new_tab(self) -> str:
        """Another tab, to be turned to."""
        now, self.session = self.session, ""
        blank = {"url": "about:blank", "browserContextId": self.context}
        target = self.ask("Target.createTarget", **blank)["targetId"]
        made = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.session = made
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        self.session = now
        return str(made)

    def turn_to(self, tab: str) -> None:
        self.session = tab
        self.ask("Page.bringToFront")

    def save_to(self, folder: Path) -> None:
        """Where files go that are saved."""
        allowed = {"behavior": "allow", "downloadPath": str(folder)}
        self.ask("Browser.setDownloadBehavior", browserContextId=self.context, **allowed)

    def ask(self, method: str, **params: Any) -> Any:
        """One command, and what it answers."""
        told = {"method": method, "params": params}
        told |= {"sessionId": self.session} if self.session else {}
        number = self.pipe.send(told)
        while True:
            heard = self._hear()
            if heard.get("id") == number:
                if "error" in heard:
                    raise WitnessError(f"{method}: {heard['error']}")
                return heard["result"]

    def _hear(self) -> Any:
        heard = self.pipe.hear()
        match heard.get("method"):
            case "Runtime.exceptionThrown":
                self.said.append(json.dumps(heard["params"]["exceptionDetails"]))
            case "Log.entryAdded":
                self.said.append(heard["params"]["entry"]["text"])
        return heard

    def show(self, page: Path | str, width: int = 1200, height: int = 900, **features: str) -> None:
        """Load a file or an address in a window of that size; features are such as
        prefers_color_scheme. Unless asked otherwise the reader wants no motion, and nothing runs
        by itself."""
        features = {"prefers_reduced_motion": "reduce"} | features
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        wanted = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.ask("Emulation.setEmulatedMedia", features=wanted)
        address = page if isinstance(page, str) else page.resolve().as_uri()
        self.ask("Page.navigate", url=address)
        self.value(
            "new Promise(done => document.readyState === 'complete' ? done(1) : onload = done)"
        )
        self.settle()

    def value(self, expression: str) -> Any:
        """What an expression is in the page; a promise is waited for."""
        found = self.ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in found:
            raise WitnessError(json.dumps(found["exceptionDetails"]))
        return found["result"].get("value")

    def settle(self) -> None:
        """Until what was changed is shown."""
        twice = "requestAnimationFrame(() => requestAnimationFrame(() => done(1)))"
        self.value(f"new Promise(done => {twice})")

    def click(self, selector: str) -> None:
        """The middle of an element, by mouse; once more where the page moved it away meanwhile."""
        self.value(f"{REVEALING}({selector!r})")
        for _ in range(3):
            self.value(f"{HEARING}({selector!r})")
            self.click_at(*self._middle(selector))
            if self.value("window.heard") is not False:  # of another page nothing is known
                return

    def press(self, selector: str) -> None:
        """A button, wherever it is."""
        self.value(f"document.querySelector({selector!r}).click()")
        self.settle()

    def _middle(self, selector: str) -> tuple[float, float]:
        """Of an element, which is in sight then, and stands still."""
        x, y = self.value(MIDDLE.format(selector=repr(selector)))
        return x, y

    def point_at(self, selector: str) -> None:
        """Move the mouse over the middle of an element."""
        x, y = self._middle(selector)
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.settle()

    def click_at(self, x: float, y: float) -> None:
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.settle()

    def key(self, name: str, shift: bool = False, control: bool = False) -> None:
        """Press a key and let it go."""
        held = 8 * shift + 2 * control
        code = {"key": name, "windowsVirtualKeyCode": KEYS[name], "modifiers": held}
        text = {"text": {"Enter": "\r", " ": " "}[name]} if name in ("Enter", " ") else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **code)
        self.settle()

    def type(self, text: str) -> None:
        """Letter by letter on the keyboard, into whatever has the focus."""
        for letter in text:
            self.ask("Input.dispatchKeyEvent", type="keyDown", key=letter, text=letter)
            self.ask("Input.dispatchKeyEvent", type="keyUp", key=letter)
        self.settle()

    def write(self, selector: str, text: str) -> None:
        """Into a field, in place of what stands there; the tab that it is in is opened."""
        self.value(f"{REVEALING}({selector!r})")
        self.value(f"(e => {{ e.focus(); e.select?.() }})(document.querySelector({selector!r}))")
        self.ask("Input.insertText", text=text)
        self.settle()

    def choose(self, selector: str, *files: Path) -> None:
        """Files, or a folder, in a field that takes them."""
        found = self.ask("Runtime.evaluate", expression=f"document.querySelector({selector!r})")
        place = found["result"]["objectId"]
        self.ask("DOM.setFileInputFiles", files=list(map(str, files)), objectId=place)

    def drop(self, selector: str, *files: Path) -> None:
        """Files and folders, let go over the middle of an element."""
        x, y = self._middle(selector)
        held = {"items": [], "files": list(map(str, files)), "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.ask("Input.dispatchDragEvent", type=kind, x=x, y=y, data=held)
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

    def objections(self, *left_out: str) -> list[Any]:
        """What axe objects to in the page as it stands, but for what is in its frames."""
        self.value(axe_script())
        rules = json.dumps({rule: {"enabled": False} for rule in left_out})
        options = f"{{preload: false, resultTypes: ['violations'], rules: {rules}}}"
        shown = "said.violations.map(one => [one.id, one.nodes.map(node => node.html)])"
        return list(
            self.value(f"axe.run({{exclude: ['iframe']}}, {options}).then(said => {shown})")
        )

    def picture(self, file: Path, whole: bool = True) -> Path:
        found = self.ask("Page.captureScreenshot", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(found["data"]))
        return file


@contextmanager
def browser(pipe: Pipe | None = None) -> Iterator[Browser]:
    """A window, which is closed with the block."""
    window = Browser(pipe)
    try:
        yield window
    finally:
        window.close()
