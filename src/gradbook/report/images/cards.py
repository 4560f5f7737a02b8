"""Images on cards side by side, each with a list of words below it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from gradbook.report.images.pixels import picture
from gradbook.report.page.shell import text


def cards(each: Iterable[str]) -> str:
    """Cards side by side; nothing where there are none."""
    together = "\n".join(each)
    return f'<ol class="gallery">\n{together}\n</ol>' if together else ""


def card(
    pixels: NDArray[np.uint8], place: int, what: str, lines: Iterable[str], kind: str = ""
) -> str:
    """The test image of that place, what it is in words, and lines of a list below it."""
    return (
        f'<li{kind}><img src="{picture(pixels)}" alt="test image {place + 1:,}: {text(what)}" '
        f'title="image {place + 1:,}">\n<dl>{"".join(lines)}</dl></li>'
    )


def line(word: str, name: str, value: str = "", before: str = "") -> str:
    """A word and a name, and at their right a value; `before` is HTML."""
    right = f"<dd>{value}</dd>" if value else ""
    named = f" <b>{text(name)}</b>" if name else ""
    return f'<div><dt title="{text(name)}">{before}{word}{named}</dt>{right}</div>'
