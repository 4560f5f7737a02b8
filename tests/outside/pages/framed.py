"""A page in a frame as wide as a window, asked by a script that the page itself would refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.outside.browser import Browser
from tests.outside.witness import dom


def asked(html: str, width: int, question: str, folder: Path) -> Any:
    """What the page answers: the value of a JavaScript expression, once it has loaded."""
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    script = f'addEventListener("load", () => parent.postMessage({question}, "*"))'
    inner, outer = folder / "inner.html", folder / "outer.html"
    inner.write_text(free.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    outer.write_text(
        "<pre></pre><script>onmessage = said => document.querySelector('pre').textContent ="
        f" JSON.stringify(said.data)</script><iframe width={width} height=800 src=inner.html>",
        "utf-8",
    )
    return json.loads(re.search("<pre>(.*?)</pre>", dom(outer), re.S)[1])


SHEET = 673  # pixels: A4 between its margins
BEYOND = """[...document.querySelectorAll("main *, body > *")]
  .map(element => [element.tagName, element.getBoundingClientRect().right - innerWidth])
  .filter(([, beyond]) => beyond > 1)"""


def beyond_the_sheet(chromium: Browser, page: Path) -> list[tuple[str, float]]:
    """What would be cut off in print, and by how much."""
    chromium.show(page, SHEET)
    chromium.ask("Emulation.setEmulatedMedia", media="print", features=[])
    try:
        return chromium.value(BEYOND)
    finally:
        chromium.ask("Emulation.setEmulatedMedia", media="", features=[])


def paper_and_ink(picture: Path) -> tuple[int, float]:
    """The commonest tone of a picture, 255 being white, and how much of it stands out from that."""
    from PIL import Image

    tones = Image.open(picture).convert("L").histogram()
    paper = tones.index(max(tones))
    readable = sum(count for tone, count in enumerate(tones) if abs(tone - paper) > 90)
    return paper, readable / sum(tones)
