"""What a reader sees of HTML: its words, and the cells of its tables."""

from __future__ import annotations

import re
from html import unescape


def words(html: str) -> str:
    return " ".join(unescape(re.sub("<[^>]*>", " ", html)).split())


def cells(html: str) -> list[list[str]]:
    """What stands in each row of a table."""
    rows = re.findall("<tr.*?</tr>", html, re.S)
    return [[words(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)] for row in rows]
